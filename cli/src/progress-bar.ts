/** How far a long piece of work is: bar, rate, time left. */
import type { Bilingual } from '@airtight/protocol';

const BAR_WIDTH = 24;
/** The rate is that of the last seconds, not of the whole run. */
const RATE_WINDOW_MS = 5000;

export class ProgressBar {
  readonly #total: number;
  /** When how much was done, oldest first. */
  readonly #marks: { at: number; done: number }[] = [];

  constructor(total: number) {
    this.#total = total;
  }

  /** @param now e.g. performance.now() */
  line(done: number, now: number): Bilingual {
    this.#marks.push({ at: now, done });
    while (this.#marks.length > 2 && now - (this.#marks[0]?.at ?? now) > RATE_WINDOW_MS) this.#marks.shift();
    const first = this.#marks[0] ?? { at: now, done };
    const perSecond = now > first.at ? ((done - first.done) * 1000) / (now - first.at) : 0;
    const share = this.#total === 0 ? 1 : Math.min(1, done / this.#total);
    const filled = Math.round(share * BAR_WIDTH);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
    const left = perSecond > 0 ? duration((this.#total - done) / perSecond) : '–';
    const count = `${grouped(done)}/${grouped(this.#total)}`;
    const percent = `${(share * 100).toFixed(1)} %`;
    return {
      zh: `${bar} ${percent}  ${count}  ${grouped(Math.round(perSecond))} 条/秒  剩余 ${left}`,
      en: `${bar} ${percent}  ${count}  ${grouped(Math.round(perSecond))}/s  ${left} left`,
    };
  }
}

/** A whole number with a comma at the thousands. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

/** Seconds as `42 s`, `3:05`, `2:03:05`. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${pad(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(whole % 60)}`;
}
