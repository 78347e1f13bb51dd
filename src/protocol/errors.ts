/**
 * The closed set of what the API can refuse with. Each reason rides on a Connect error as an ErrorDetail, so that
 * programs test the reason and people read the message. The exit code of the command line follows from the reason.
 */
export const errorReasons = {
  /** A value is malformed or out of range. */
  INVALID: 'invalid_argument',
  /** A node is named that does not exist. */
  NO_SUCH_NODE: 'not_found',
  /** A node set matched nothing. */
  NO_NODE_MATCHED: 'not_found',
  /** No task or run fits a reference. */
  NO_SUCH_TASK: 'not_found',
  /** No join token or token of a user has that id. */
  NO_SUCH_TOKEN: 'not_found',
  /** A user is named that does not exist. */
  NO_SUCH_USER: 'not_found',
  /** A role is named that does not exist. */
  NO_SUCH_ROLE: 'not_found',
  /** There is a user of that name. */
  USER_EXISTS: 'already_exists',
  /** There is a role of that name. */
  ROLE_EXISTS: 'already_exists',
  /** More than one task fits a reference. */
  AMBIGUOUS_TASK: 'invalid_argument',
  /** The same run id was used with another content. */
  RUN_EXISTS: 'already_exists',
  /** No or an unknown operator token. */
  NOT_AUTHENTICATED: 'unauthenticated',
  /** The operator may not do that. */
  DENIED: 'permission_denied',
  /** The join token was used up, has expired, was revoked or never existed. */
  TOKEN_REFUSED: 'permission_denied',
  /** The join token does not allow this node name, or another node has it. */
  NAME_REFUSED: 'permission_denied',
  /** The certificate that a node wants renewed is forged, of another key, too old, or older than one that was used. */
  RENEWAL_REFUSED: 'permission_denied',
  /** There is no identity provider, or it cannot be used. */
  NO_LOGIN: 'failed_precondition',
  /** A limit of limits.ts or of a node's policy is reached. */
  LIMIT: 'resource_exhausted',
  /** The controller is stopping. */
  STOPPING: 'unavailable',
} as const;

/** A stable word for why a request was refused. */
export type ErrorReason = keyof typeof errorReasons;

/**
 * A refusal that the API returns to its caller; anything else that is thrown becomes `internal`.
 * The message says what could not be done, to what, and because of which value.
 */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly reason: ErrorReason;
  /** Node names, task ids or values that it is about. */
  readonly subjects: readonly string[];

  constructor(
    reason: ErrorReason,
    message: string,
    subjects: readonly string[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.reason = reason;
    this.subjects = subjects;
  }
}
