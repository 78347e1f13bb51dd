/** A command could not do what it was asked to. The message is one line for the person who asked. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** One of core/exit-code's. */
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
