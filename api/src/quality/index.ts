/** The tests of values as others run them: over files, without a service. */
export { QualityStage } from './quality-stage.ts';
export { testsText } from './verdict.ts';
