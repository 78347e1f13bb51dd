/** Why a node has nothing to show to its controller, in one line. */

/** There are no credentials to connect with now. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';
  /** Nor will there be: the controller has refused this node for good. */
  readonly isFinal: boolean;

  constructor(message: string, isFinal: boolean, options?: ErrorOptions) {
    super(message, options);
    this.isFinal = isFinal;
  }
}
