/** Why a node could not join, apart from joining itself, which most agents that start never need. */

/** The node could not join. One line for the person who tried. */
export class JoinError extends Error {
  override readonly name = 'JoinError';
  /** The controller said no, to this token or this name. */
  readonly denied: boolean;

  constructor(message: string, denied: boolean, options?: ErrorOptions) {
    super(message, options);
    this.denied = denied;
  }
}
