import { LabError, type ErrorDetails, type LabErrorCode } from '../core/errors';

/** An error as plain data: what structured cloning would lose of a LabError is kept. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly code?: LabErrorCode;
  readonly details?: ErrorDetails;
}

export function toWireError(error: unknown): WireError {
  if (error instanceof LabError) {
    return { name: error.name, message: error.message, code: error.code, details: error.details };
  }
  if (error instanceof Error) return { name: error.name, message: error.message };
  return { name: 'Error', message: String(error) };
}

/** The error to throw on this side: a LabError, an AbortError, or a plain Error. */
export function fromWireError(wire: WireError): Error {
  if (wire.code !== undefined) {
    return new LabError(wire.code, wire.message, { details: wire.details ?? {} });
  }
  if (wire.name === 'AbortError') return new DOMException(wire.message, 'AbortError');
  const error = new Error(wire.message);
  error.name = wire.name;
  return error;
}
