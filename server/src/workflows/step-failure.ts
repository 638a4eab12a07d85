/** Why a step, and the workflow run with it, has failed: in words for people, without secrets. */
export class StepFailure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StepFailure';
  }
}
