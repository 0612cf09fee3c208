/**
 * Mean kinetic temperature, USP <1079.2> (Haynes 1971): the one constant temperature at which as much would degrade as
 * at the temperatures that were.
 */

/** USP <1079.2>: ΔH = 83.144 kJ/mol, so that ΔH/R = 10,000 K. */
export const ACTIVATION_ENERGY_KJ = 83.144;
/** Gas constant, kJ/(mol·K), as the formula takes it. */
const GAS_CONSTANT_KJ = 8.3144e-3;
const KELVIN = 273.15;

export class MeanKineticTemperature {
  readonly #ratio: number;
  #sum = 0;
  #weights = 0;

  /** @param activationEnergyKJ kJ/mol; loggers that were set up for another substance name theirs */
  constructor(activationEnergyKJ: number = ACTIVATION_ENERGY_KJ) {
    this.#ratio = activationEnergyKJ / GAS_CONSTANT_KJ;
  }

  /** @param weight how long it was so; readings of one interval weigh the same */
  add(celsius: number, weight = 1): void {
    this.#sum += weight * Math.exp(-this.#ratio / (celsius + KELVIN));
    this.#weights += weight;
  }

  /** °C; NaN before the first reading. */
  get celsius(): number {
    return this.#ratio / -Math.log(this.#sum / this.#weights) - KELVIN;
  }
}
