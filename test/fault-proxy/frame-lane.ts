/** One direction of one session: cuts its bytes into frames and does to each what was decided. */
import type { Writable } from 'node:stream';
import { fromBinary } from '@bufbuild/protobuf';
import { encodeFrame, FrameDecoder } from '#base/grpc-frames.ts';
import { AgentFrameSchema, ControllerFrameSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { DecideFate, Direction, Fate, PassingFrame } from './frame-fate.ts';

/** Where frames go, and how the connection is cut. */
export interface LaneOptions {
  readonly direction: Direction;
  readonly to: Writable;
  readonly decide: DecideFate;
  /** Cuts both connections at once. */
  readonly cut: () => void;
}

/** Frames on their way. */
export class FrameLane {
  readonly #options: LaneOptions;
  readonly #decoder = new FrameDecoder(limits.messageBytesMax);
  #number = 0;
  #swapped: Buffer | undefined;
  #isCut = false;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Takes the next bytes. */
  push(bytes: Buffer): void {
    for (const message of this.#decoder.push(bytes)) {
      if (this.#isCut) return;
      const { direction, decide } = this.#options;
      const schema = direction === 'up' ? AgentFrameSchema : ControllerFrameSchema;
      const kind = fromBinary<typeof AgentFrameSchema | typeof ControllerFrameSchema>(schema, message).kind
        .case;
      if (kind !== 'heartbeat') this.#number += 1;
      const frame: PassingFrame = { direction, number: this.#number, kind, message };
      this.#meet(encodeFrame(message), decide(frame));
    }
  }

  #meet(frame: Buffer, fate: Fate): void {
    const swapped = this.#swapped;
    this.#swapped = undefined;
    switch (fate) {
      case 'pass':
        this.#write(frame);
        break;
      case 'drop':
        break;
      case 'twice':
        this.#write(frame);
        this.#write(frame);
        break;
      case 'swap':
        this.#swapped = frame;
        break;
      case 'cut-before':
        this.#cutAfter(Buffer.alloc(0));
        break;
      case 'cut-within':
        this.#cutAfter(frame.subarray(0, Math.ceil(frame.length / 2)));
        break;
      case 'cut-after':
        this.#cutAfter(frame);
        break;
      default:
        this.#write(encodeFrame(fate));
    }
    if (swapped) this.#write(swapped);
  }

  #write(frame: Buffer): void {
    if (!this.#isCut && this.#options.to.writable) this.#options.to.write(frame);
  }

  /** Cuts when these bytes are in the kernel's hands. */
  #cutAfter(bytes: Buffer): void {
    this.#isCut = true;
    const { to, cut } = this.#options;
    if (bytes.length > 0 && to.writable) to.write(bytes, () => setImmediate(cut));
    else cut();
  }
}
