/** A template is not one, or a value for it is missing. The message tells which, and never repeats a value. */
export class TemplateError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TemplateError';
  }
}
