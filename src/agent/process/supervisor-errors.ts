/** How a request to the supervisor fails. */

/** The supervisor said no. */
export class SupervisorRefusedError extends Error {
  override readonly name = 'SupervisorRefusedError';
  /** One of supervisorErrors. */
  readonly code: number;
  /** 0 where no system call failed. */
  readonly errno: number;

  constructor(code: number, errno: number, message: string) {
    super(message);
    this.code = code;
    this.errno = errno;
  }
}

/** There is no connection, or it broke before the answer came: nobody knows whether the request was carried out. */
export class SupervisorGoneError extends Error {
  override readonly name = 'SupervisorGoneError';
}
