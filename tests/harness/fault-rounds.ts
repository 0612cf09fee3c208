/** How often a fault loop kills: what FAULT_ROUNDS says, else as often as a short run has time for. */
export function faultRounds(otherwise: number): number {
  const text = process.env['FAULT_ROUNDS'];
  const rounds = text === undefined ? otherwise : Number(text);
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error(`FAULT_ROUNDS is ${text}; a whole number from 1 on is wanted`);
  return rounds;
}
