// A drawing in the page's address: `#drawing=` and the strokes, compressed. No server keeps it: a
// browser does not even send this part of an address.

const LINK_MARK = "#drawing=";
const MAX_LINK = 8_000; // characters: longer addresses get lost in messages
const MAX_UNPACKED = 200_000; // bytes: a short link can unpack to very many
const LINK_FORMAT = 1;

class LinkedDrawing {
  constructor(pad) {
    this.pad = pad;
    pad.tools.share.addEventListener("click", () => this.share());
    const open = () => {
      if (pad.canvas.isConnected) this.open();
      else window.removeEventListener("hashchange", open);
    };
    window.addEventListener("hashchange", open);
    this.open();
  }

  async share() {
    const { texts } = this.pad;
    const code = await packed(this.pad.strokes);
    if (code.length > MAX_LINK) return this.pad.tell(texts.too_long);
    const link = `${location.origin}${location.pathname}${LINK_MARK}${code}`;
    try {
      await navigator.clipboard.writeText(link);
      this.pad.tell(texts.copied);
    } catch {
      // Without HTTPS a page may not use the clipboard: the address bar has the link then.
      history.replaceState(history.state, "", link);
      this.pad.tell(texts.in_address);
    }
  }

  // Draws what the address holds, once.
  async open() {
    if (!location.hash.startsWith(LINK_MARK)) return;
    const code = location.hash.slice(LINK_MARK.length);
    history.replaceState(history.state, "", location.pathname + location.search);
    try {
      this.pad.load(await unpacked(code, this.pad.limits));
    } catch {
      this.pad.tell(this.pad.texts.broken_link);
    }
  }
}

// Returns strokes as text for an address: numbers of seven bits a byte, deflated, in base64url.
async function packed(strokes) {
  const bytes = [LINK_FORMAT];
  const write = (value) => {
    for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
    bytes.push(value);
  };
  for (const { points, size, shade, fill } of strokes) {
    for (const value of [size, shade, Number(fill), points.length / 2]) write(value);
    points.forEach((value, i) => {
      const step = value - (points[i - 2] ?? 0);
      write(step < 0 ? -2 * step - 1 : 2 * step);
    });
  }
  const stream = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const small = new Uint8Array(await new Response(stream).arrayBuffer());
  const text = btoa(String.fromCharCode(...small.slice(0, MAX_LINK)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// Returns the strokes of such a text. Throws an error if it is none, or exceeds the limits.
async function unpacked(code, limits) {
  if (code.length > MAX_LINK) throw new RangeError("The link is too long.");
  const small = Uint8Array.from(atob(code.replaceAll("-", "+").replaceAll("_", "/")), (it) => it.charCodeAt(0));
  const bytes = await inflated(small);
  let at = 0;
  const read = (most) => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 21) throw new RangeError("The link is cut off.");
      value |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    if (value > most) throw new RangeError("A number of the link is too large.");
    return value;
  };
  read(LINK_FORMAT);
  const strokes = [];
  let room = limits.coordinates;
  while (at < bytes.length) {
    if (strokes.length === limits.strokes) throw new RangeError("The link has too many strokes.");
    const [size, shade, fill] = [read(SURFACE), read(255), Boolean(read(1))];
    const points = [];
    const count = 2 * read(room / 2);
    room -= count;
    for (let i = 0; i < count; i += 1) {
      const step = read(4 * SURFACE);
      const value = (points[i - 2] ?? 0) + (step % 2 ? -(step + 1) / 2 : step / 2);
      if (value !== clamp(value)) throw new RangeError("A point of the link is outside.");
      points.push(value);
    }
    if (!count || !size) throw new RangeError("A stroke of the link is empty.");
    strokes.push({ points, size, shade, fill });
  }
  if (!strokes.length) throw new RangeError("The link is empty.");
  return strokes;
}

async function inflated(small) {
  const stream = new Blob([small]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const bytes = [];
  for (const reader = stream.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return bytes;
    if (bytes.length + value.length > MAX_UNPACKED) throw new RangeError("The link unpacks to too much.");
    for (const byte of value) bytes.push(byte);
  }
}
