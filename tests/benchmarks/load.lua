-- wrk's script: sends the files of a folder in turn, and prints what came of it as one line of JSON.
--   wrk ... -s load.lua URL -- FOLDER CONTENT_TYPE
-- With PAUSE_MS in the environment a client waits on average so long before each request: with many
-- clients, requests come at a rate that hardly depends on how fast they are answered.

local bodies, headers, turn = {}, {}, 0

function init(arguments)
  local folder = arguments[1]
  headers["Content-Type"] = arguments[2]
  for name in io.open(folder .. "/index"):lines() do
    local file = io.open(folder .. "/" .. name, "rb")
    bodies[#bodies + 1] = file:read("*a")
    file:close()
  end
end

function request()
  turn = turn % #bodies + 1
  return wrk.format("POST", nil, headers, bodies[turn])
end

local pause = tonumber(os.getenv("PAUSE_MS"))

if pause then
  function delay()
    return 2 * pause * math.random()
  end
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "longest_ms": %f, "refused": %d, "broken": %d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
