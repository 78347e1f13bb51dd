/** How a request to the supervisor fails, and what that is for whoever gave the order that led to it. */
import { RefusedOrderError } from '#agent/workload.ts';
import { supervisorErrors } from './supervisor-messages.ts';

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

/** Whether the supervisor said that the attempt is over. */
export function isOver(error: unknown): boolean {
  if (!(error instanceof SupervisorRefusedError)) return false;
  return error.code === supervisorErrors.over || error.code === supervisorErrors.noAttempt;
}

/** The answer to an order that needed a request which failed with `error`; what is no such failure is given back. */
export function refusedRequest(error: unknown): unknown {
  if (error instanceof SupervisorGoneError) {
    return new RefusedOrderError('the supervisor cannot be asked', { cause: error });
  }
  return error instanceof SupervisorRefusedError
    ? new RefusedOrderError(error.message, { cause: error })
    : error;
}
