/** uPlot's options for the house style: thin grid, 24-hour axis in the deployment's zone, gaps hatched, flags ringed. */
import uPlot from 'uplot';
import type { TimeFormat } from '../i18n/time-format.ts';
import type { Columns } from './series-points.ts';

export interface ChartLine {
  readonly value: number;
  /** CSS colour token name without dashes. */
  readonly tone: 'bad' | 'info' | 'good' | 'ink-3';
  readonly label: string;
}

/** A chart of one property on a page. */
export interface ChartSpec {
  readonly property: string;
  readonly tone: string;
  readonly height: number;
  /** Over the whole width. */
  readonly wide?: boolean;
  readonly lines?: readonly ChartLine[];
  readonly band?: readonly [number, number];
  readonly stepped?: boolean;
}

export interface ChartStyle {
  readonly token: (name: string) => string;
  readonly font: string;
}

export interface ChartInput {
  readonly columns: () => Columns;
  /** Epoch ms of points that could not be proven. */
  readonly failing: () => ReadonlySet<number>;
  readonly colour: string;
  readonly lines: readonly ChartLine[];
  /** A range of values that is as it should be, drawn as a band. */
  readonly band: readonly [number, number] | undefined;
  readonly stepped: boolean;
  readonly syncKey: string;
  readonly time: TimeFormat;
  readonly window: () => readonly [number, number];
  readonly number: (value: number) => string;
  readonly style: ChartStyle;
  readonly onCursor: (index: number | null) => void;
  readonly onZoom: (fromMs: number, toMs: number) => void;
}

const AXIS_X_HEIGHT = 24;
const AXIS_Y_WIDTH = 44;

export function chartOptions(input: ChartInput, width: number, height: number): uPlot.Options {
  const { style, time } = input;
  const font = `11px ${style.font}`;
  const axis = { font, stroke: style.token('ink-3'), ticks: { show: false }, grid: { stroke: style.token('line'), width: 1 } };
  return {
    width,
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), time.zone),
    cursor: {
      sync: { key: input.syncKey, setSeries: false },
      drag: { x: true, y: false, setScale: false },
      points: { size: 7, width: 2 },
      y: false,
    },
    scales: {
      x: { time: true, range: () => [...input.window()] as [number, number] },
      y: { range: (_u, low, high) => valueRange(input, low, high) },
    },
    axes: [
      {
        ...axis,
        size: AXIS_X_HEIGHT,
        space: 64,
        values: (_u, splits, _axis, _space, step) => splits.map((at) => axisTime(time, at, step)),
      },
      { ...axis, size: AXIS_Y_WIDTH, space: 28, values: (_u, splits) => splits.map((at) => input.number(at)) },
    ],
    series: [
      {},
      { stroke: 'transparent', points: { show: false }, spanGaps: false },
      { stroke: 'transparent', points: { show: false }, spanGaps: false },
      {
        stroke: input.colour,
        width: 1.6,
        spanGaps: false,
        points: { show: (_u, _series, from, to) => to - from < 40, size: 4 },
        ...(input.stepped && uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
      },
    ],
    bands: [{ series: [2, 1], fill: withAlpha(input.colour, 0.16) }],
    hooks: {
      drawClear: [(plot) => drawUnder(plot, input)],
      drawAxes: [(plot) => drawLimits(plot, input)],
      draw: [(plot) => drawFlags(plot, input), (plot) => drawDoubtful(plot, input), (plot) => drawFailing(plot, input)],
      setCursor: [(plot) => input.onCursor(plot.cursor.idx ?? null)],
      setSelect: [(plot) => select(plot, input)],
    },
  };
}

/** Data in uPlot's order: x, max, min, mean (drawn last, on top). */
export function chartData(columns: Columns): uPlot.AlignedData {
  return [columns.x, columns.max, columns.min, columns.mean];
}

function valueRange(input: ChartInput, low: number | null, high: number | null): [number, number] {
  if (input.stepped) return [-0.15, 1.25];
  // Limits stay in sight: how far a value is from them is what the chart is for.
  const marks = [...input.lines.map((line) => line.value), ...(input.band ?? [])];
  const from = Math.min(low ?? Number.POSITIVE_INFINITY, ...marks);
  const to = Math.max(high ?? Number.NEGATIVE_INFINITY, ...marks);
  if (!Number.isFinite(from) || !Number.isFinite(to)) return [0, 1];
  const room = Math.max((to - from) * 0.12, Math.abs(to) * 0.003, 0.2);
  const bottom = from >= 0 && from < (to - from) * 1.5 ? 0 : from - room;
  return [bottom, to + room];
}

const DAY_S = 86_400;

function axisTime(time: TimeFormat, seconds: number, stepSeconds: number): string {
  const minute = time.minute(seconds * 1000);
  const date = time.day(seconds * 1000).slice(5);
  return stepSeconds >= DAY_S || minute === '00:00' ? date : minute;
}

function drawUnder(plot: uPlot, input: ChartInput): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  if (input.band) {
    const top = plot.valToPos(input.band[1], 'y', true);
    ctx.fillStyle = withAlpha(input.style.token('good'), 0.1);
    ctx.fillRect(bbox.left, top, bbox.width, plot.valToPos(input.band[0], 'y', true) - top);
  }
  drawGaps(plot, input);
  drawThin(plot, input);
  ctx.restore();
}

/** Limits lie over the grid, which may have a line at the same value. */
function drawLimits(plot: uPlot, input: ChartInput): void {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const line of input.lines) {
    const y = Math.round(plot.valToPos(line.value, 'y', true)) + 0.5;
    ctx.strokeStyle = input.style.token(line.tone);
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.font = `${11 * devicePixelRatio}px ${input.style.font}`;
    ctx.fillStyle = input.style.token(line.tone);
    ctx.textAlign = 'right';
    ctx.textBaseline = 'bottom';
    ctx.fillText(line.label, bbox.left + bbox.width - 4, y - 2);
  }
  ctx.restore();
}

/** Where nothing was reported: hatched, never bridged by a line. */
function drawGaps(plot: uPlot, input: ChartInput): void {
  const { ctx, bbox } = plot;
  const spacing = 6 * devicePixelRatio;
  ctx.strokeStyle = input.style.token('hatch');
  ctx.lineWidth = 1.5 * devicePixelRatio;
  for (const [from, to] of input.columns().gaps) {
    const left = Math.max(bbox.left, plot.valToPos(from, 'x', true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, 'x', true));
    if (right - left < 2) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, right - left, bbox.height);
    ctx.clip();
    ctx.beginPath();
    for (let x = left - bbox.height; x < right; x += spacing) {
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
    }
    ctx.stroke();
    ctx.restore();
  }
}

/** Where fewer values came than expected: a bar at the foot, the higher the more are missing. */
function drawThin(plot: uPlot, input: ChartInput): void {
  const { ctx, bbox } = plot;
  ctx.fillStyle = input.style.token('line-strong');
  for (const [from, to, share] of input.columns().thin) {
    const left = Math.max(bbox.left, plot.valToPos(from, 'x', true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, 'x', true));
    const height = (2 + 6 * (1 - share)) * devicePixelRatio;
    ctx.fillRect(left, bbox.top + bbox.height - height, Math.max(right - left, devicePixelRatio), height);
  }
}

/** Points whose worst value is suspect, a triangle, or failed a test, a square: so that they are seen without colour. */
function drawDoubtful(plot: uPlot, input: ChartInput): void {
  const { ctx } = plot;
  const { x, mean, suspect, failed } = input.columns();
  const arm = 4.5 * devicePixelRatio;
  const place = (index: number): readonly [number, number] => [
    plot.valToPos(x[index] ?? Number.NaN, 'x', true),
    plot.valToPos(mean[index] ?? Number.NaN, 'y', true),
  ];
  ctx.save();
  ctx.lineWidth = 1.6 * devicePixelRatio;
  ctx.strokeStyle = input.style.token('warn');
  ctx.fillStyle = input.style.token('surface');
  for (const index of suspect) {
    const [left, top] = place(index);
    ctx.beginPath();
    ctx.moveTo(left, top - arm);
    ctx.lineTo(left + arm, top + arm * 0.8);
    ctx.lineTo(left - arm, top + arm * 0.8);
    ctx.closePath();
    ctx.fill();
    ctx.stroke();
  }
  ctx.fillStyle = input.style.token('bad');
  for (const index of failed) {
    const [left, top] = place(index);
    ctx.fillRect(left - arm * 0.85, top - arm * 0.85, arm * 1.7, arm * 1.7);
  }
  ctx.restore();
}

/** Points with flagged values: an open ring, so that they are seen without colour. */
function drawFlags(plot: uPlot, input: ChartInput): void {
  const { ctx } = plot;
  const columns = input.columns();
  ctx.save();
  ctx.strokeStyle = input.style.token('ink-3');
  ctx.lineWidth = devicePixelRatio;
  for (const index of columns.flagged) {
    const value = columns.mean[index];
    const at = columns.x[index];
    if (value === null || value === undefined || at === undefined) continue;
    ctx.beginPath();
    ctx.arc(plot.valToPos(at, 'x', true), plot.valToPos(value, 'y', true), 3.4 * devicePixelRatio, 0, 2 * Math.PI);
    ctx.stroke();
  }
  ctx.restore();
}

/** Points that could not be proven: a cross, so that they are seen without colour. */
function drawFailing(plot: uPlot, input: ChartInput): void {
  const { ctx } = plot;
  const { x, mean } = input.columns();
  const failing = input.failing();
  if (failing.size === 0) return;
  const arm = 5 * devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = input.style.token('bad');
  ctx.lineWidth = 2 * devicePixelRatio;
  for (const [index, at] of x.entries()) {
    const value = mean[index];
    if (value === null || value === undefined || !failing.has(Math.round(at * 1000))) continue;
    const [left, top] = [plot.valToPos(at, 'x', true), plot.valToPos(value, 'y', true)];
    ctx.beginPath();
    ctx.moveTo(left - arm, top - arm);
    ctx.lineTo(left + arm, top + arm);
    ctx.moveTo(left - arm, top + arm);
    ctx.lineTo(left + arm, top - arm);
    ctx.stroke();
  }
  ctx.restore();
}

/** Narrower is a click that trembled, px. */
const SELECTION_MIN = 8;

function select(plot: uPlot, input: ChartInput): void {
  const { left, width } = plot.select;
  if (width < SELECTION_MIN) return;
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  input.onZoom(plot.posToVal(left, 'x') * 1000, plot.posToVal(left + width, 'x') * 1000);
}

/** Colour tokens are six-digit hex. */
function withAlpha(hex: string, alpha: number): string {
  const byte = Math.round(alpha * 255).toString(16);
  return `${hex}${byte.padStart(2, '0')}`;
}
