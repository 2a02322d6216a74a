// Strokes and how they look. Goes before pad.js into one module. A stroke is {points: [x0, y0, x1, y1,
// …], size, shade, fill}, in pixels of the surface; shade 0 erases; a stroke of one point is a dot.

const SURFACE = 448; // sixteen times the model's 28 pixels: fine lines, cheap to fill
const TOLERANCE = 0.5; // pixels that a simplified stroke may differ from the drawn one
const SHARP = 2; // pixels from a corner to the line between its neighbours
const CLOSED_GAP = 0.3; // a gap below this share of a stroke's diagonal counts as closed
const INK = 24; // darker pixels are background, smoothing included

// A black square to draw on.
function surface(size) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#000";
  context.fillRect(0, 0, size, size);
  return context;
}

function apply(context, stroke) {
  if (!stroke.fill) {
    drawLine(context, stroke);
    return;
  }
  const before = holes(context);
  drawLine(context, stroke);
  if (isClosed(stroke.points)) context.fill();
  fillNewHoles(context, before, stroke.shade);
}

// Leaves the path in the context for the caller to fill.
function drawLine(context, { points, size, shade }) {
  context.strokeStyle = context.fillStyle = `rgb(${shade},${shade},${shade})`;
  context.lineWidth = size;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  context.moveTo(points[0], points[1]);
  // Curves through the midpoints: a polygon's corners stay, because their points are far apart.
  for (let i = 2; i < points.length - 2; i += 2) {
    const [x, y, nextX, nextY] = points.slice(i, i + 4);
    const near = Math.hypot(nextX - x, nextY - y) < 24;
    if (near) context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    else context.lineTo(x, y);
  }
  context.lineTo(points.at(-2), points.at(-1));
  context.stroke();
  if (points.length > 2) return;
  // A line without length draws nothing.
  context.arc(points[0], points[1], size / 2, 0, 2 * Math.PI);
  context.fill();
}

// Returns fewer points of the same line (Douglas-Peucker). The points beside a sharp corner stay:
// `drawLine` would cut the corner between distant ones.
function simplified(points) {
  const count = points.length / 2;
  const kept = new Uint8Array(count);
  kept[0] = kept[count - 1] = 1;
  const parts = [[0, count - 1]];
  while (parts.length) {
    const [first, last] = parts.pop();
    let farthest = 0;
    let distance = TOLERANCE;
    for (let i = first + 1; i < last; i += 1) {
      const away = distanceToLine(points, i, first, last);
      if (away > distance) [farthest, distance] = [i, away];
    }
    if (!farthest) continue;
    kept[farthest] = 1;
    parts.push([first, farthest], [farthest, last]);
  }
  const chosen = [...kept.keys()].filter((i) => kept[i]);
  for (let n = 1; n < chosen.length - 1; n += 1) {
    const [before, corner, after] = chosen.slice(n - 1, n + 2);
    if (distanceToLine(points, corner, before, after) > SHARP) kept[corner - 1] = kept[corner + 1] = 1;
  }
  return points.filter((_, i) => kept[i >> 1]);
}

// Returns the pixels between point i and the line from point `first` to point `last`, by index.
function distanceToLine(points, i, first, last) {
  const [x, y] = [points[2 * first], points[2 * first + 1]];
  const [alongX, alongY] = [points[2 * last] - x, points[2 * last + 1] - y];
  const [awayX, awayY] = [points[2 * i] - x, points[2 * i + 1] - y];
  const square = alongX * alongX + alongY * alongY;
  const share = square && Math.min(Math.max((awayX * alongX + awayY * alongY) / square, 0), 1);
  return Math.hypot(awayX - share * alongX, awayY - share * alongY);
}

function isClosed(points) {
  if (points.length < 6) return false;
  const xs = points.filter((_, i) => i % 2 === 0);
  const ys = points.filter((_, i) => i % 2 === 1);
  const width = Math.max(...xs) - Math.min(...xs);
  const height = Math.max(...ys) - Math.min(...ys);
  const gap = Math.hypot(xs[0] - xs.at(-1), ys[0] - ys.at(-1));
  return gap < CLOSED_GAP * Math.hypot(width, height);
}

// Returns one byte per pixel: 1 where ink encloses background.
function holes(context) {
  const { width, height } = context.canvas;
  const { data } = context.getImageData(0, 0, width, height);
  const OUTSIDE = 2;
  const mask = new Uint8Array(width * height);
  for (let i = 0; i < mask.length; i += 1) mask[i] = data[i * 4] < INK ? 1 : 0;
  const stack = [];
  const visit = (i) => {
    if (mask[i] === 1) {
      mask[i] = OUTSIDE;
      stack.push(i);
    }
  };
  for (let i = 0; i < width; i += 1) {
    visit(i);
    visit(i + (height - 1) * width);
    visit(i * width);
    visit(i * width + width - 1);
  }
  while (stack.length) {
    const i = stack.pop();
    const x = i % width;
    if (x > 0) visit(i - 1);
    if (x < width - 1) visit(i + 1);
    if (i >= width) visit(i - width);
    if (i < mask.length - width) visit(i + width);
  }
  for (let i = 0; i < mask.length; i += 1) if (mask[i] === OUTSIDE) mask[i] = 0;
  return mask;
}

// Earlier holes stay: the visitor erased them.
function fillNewHoles(context, before, shade) {
  const now = holes(context);
  const { width, height } = context.canvas;
  const image = context.getImageData(0, 0, width, height);
  let filled = false;
  for (let i = 0; i < now.length; i += 1) {
    if (now[i] && !before[i]) {
      image.data.fill(shade, i * 4, i * 4 + 3);
      filled = true;
    }
  }
  if (filled) context.putImageData(image, 0, 0);
}

function isBlank(context) {
  const { width, height } = context.canvas;
  const { data } = context.getImageData(0, 0, width, height);
  for (let i = 0; i < data.length; i += 4) if (data[i] >= INK) return false;
  return true;
}
