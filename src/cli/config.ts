/** What the environment says to the command line. The only file of the program that reads it. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What fits on a line, and is looked over at a glance. */
const confirmAboveDefault = 10;

/** Settings that come from outside the command line itself. */
export interface CliConfig {
  /** Where a cluster of this machine keeps its state, unless --data says otherwise. Absolute or as given. */
  readonly dataDirectory: string;
  /** That directory was chosen, by DROVER_DATA. */
  readonly isDataChosen: boolean;
  /** Where the clusters are that this person has logged in to. */
  readonly contextsFile: string;
  /** Where the lines that are typed at the prompt are kept, between prompts. */
  readonly historyFile: string;
  /** The whole environment, to be handed on to daemons. */
  readonly environment: NodeJS.ProcessEnv;
  /** What the terminal understands; empty where it does not say. */
  readonly term: string;
  /** Colours are unwanted, or the terminal has none. */
  readonly noColor: boolean;
  /** A launch on more nodes than that is confirmed on a terminal; 0, which is every launch, where it is no number. */
  readonly confirmAbove: number;
}

/**
 * Reads `environment`.
 *
 * @param uid effective user id: root's data is the machine's, anybody else's is their own.
 * @see https://no-color.org
 * @see https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function readConfig(environment: NodeJS.ProcessEnv, uid: number | undefined): CliConfig {
  const { DROVER_CONFIRM_ABOVE, DROVER_DATA, NO_COLOR, TERM, XDG_CONFIG_HOME, XDG_STATE_HOME } = environment;
  // A path that is not absolute is to be ignored, says the specification.
  const state = XDG_STATE_HOME?.startsWith('/') ? XDG_STATE_HOME : join(homedir(), '.local', 'state');
  const own = XDG_CONFIG_HOME?.startsWith('/') ? XDG_CONFIG_HOME : join(homedir(), '.config');
  return {
    dataDirectory: DROVER_DATA || defaultDataDirectory(uid),
    isDataChosen: Boolean(DROVER_DATA),
    contextsFile: join(own, 'drover', 'contexts.json'),
    historyFile: join(state, 'drover', 'history'),
    environment,
    term: TERM ?? '',
    noColor: Boolean(NO_COLOR) || TERM === 'dumb',
    confirmAbove: DROVER_CONFIRM_ABOVE ? Number(DROVER_CONFIRM_ABOVE) || 0 : confirmAboveDefault,
  };
}

/** Where it is where nobody says otherwise. */
export function defaultDataDirectory(uid: number | undefined): string {
  return uid === 0 ? '/var/lib/drover' : join(homedir(), '.local', 'share', 'drover');
}
