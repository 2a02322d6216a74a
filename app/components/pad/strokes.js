// Strokes and how they look. Goes before pad.js into one module. A stroke is {points: [x0, y0, x1, y1,
// …], size, shade, fill}, in pixels of the surface; shade 0 erases; a stroke of one point is a dot.

const SURFACE = 448; // sixteen times the model's 28 pixels: fine lines, cheap to fill
const TOLERANCE = 0.5; // pixels that a simplified stroke may differ from the drawn one
const SHARP = 2; // pixels from a corner to the line between its neighbours
const CLOSED_GAP = 0.3; // a gap below this share of a stroke's diagonal counts as closed
const INK = 24; // darker pixels are background, smoothing included

// A square to draw on: transparent, for ink alone, or black.
function surface(size, { black = true } = {}) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!black) return context;
  context.fillStyle = "#000";
  context.fillRect(0, 0, size, size);
  return context;
}

// Adds a finished stroke to ink on a transparent surface.
function apply(context, stroke) {
  const closed = stroke.fill && isClosed(context, stroke);
  context.globalCompositeOperation = stroke.shade ? "source-over" : "destination-out";
  drawLine(context, stroke);
  // Below what is drawn: outlines inside stay, and between the line and its filling is no seam.
  context.globalCompositeOperation = "destination-over";
  if (closed) context.fill();
  context.globalCompositeOperation = "source-over";
}

// Leaves the path in the context for the caller to fill. Shade 0 draws in black.
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

// Whether a stroke closes itself, before it is drawn. A line that begins and ends on something
// drawn, as the handle of a bag does, hangs on that: only ends that touch close it.
function isClosed(context, { points, size }) {
  if (points.length < 6) return false;
  const xs = points.filter((_, i) => i % 2 === 0);
  const ys = points.filter((_, i) => i % 2 === 1);
  const width = Math.max(...xs) - Math.min(...xs);
  const height = Math.max(...ys) - Math.min(...ys);
  const gap = Math.hypot(xs[0] - xs.at(-1), ys[0] - ys.at(-1));
  const hangs = hasInk(context, xs[0], ys[0]) && hasInk(context, xs.at(-1), ys.at(-1));
  return gap < (hangs ? size : CLOSED_GAP * Math.hypot(width, height));
}

function hasInk(context, x, y) {
  return context.getImageData(x, y, 1, 1).data[3] > 0;
}

function isBlank(context) {
  const { width, height } = context.canvas;
  const { data } = context.getImageData(0, 0, width, height);
  for (let i = 0; i < data.length; i += 4) if (data[i] >= INK) return false;
  return true;
}
