/** Syntax of the commands about files on nodes. */
import { anyWords, type CommandSyntax } from '#base/command-line.ts';
import { foldOption, paceOptions, placeOptions, textOrLines, yesOption } from './file-options.ts';

const whichNodes =
  'NODES is a node set: web1:PATH, web[1-3]:PATH, @role=web:PATH. Where options or the prompt name the nodes, words are plain paths, or :PATH.';
const whichPaths =
  'A PATH is absolute, or relative to the workspace of the node. Only what the policy of the node allows is read or written: by default its workspace. Nothing is expanded, no link is followed, and there is no shell.';

const cpOptions = {
  recursive: { type: 'boolean', short: 'r', help: 'directories with all that is in them' },
  preserve: { type: 'boolean', short: 'p', help: 'keep modes and times' },
  owner: {
    type: 'string',
    value: 'USER[:GROUP]',
    help: "on nodes: who owns what is created (default: the agent's user)",
  },
  mode: {
    type: 'string',
    value: 'MODE',
    help: "permission bits of the files that are created, such as 0644 (default: SRC's, 0644 of standard input)",
  },
  'no-target-directory': {
    type: 'boolean',
    short: 'T',
    help: 'DST is SRC itself, also where a directory is there',
  },
  backup: { type: 'boolean', help: 'keep what is replaced as NAME~' },
  checksum: { type: 'boolean', help: 'compare with what is there, and leave alone what is equal' },
  'dry-run': { type: 'boolean', short: 'n', help: 'say what would be done, and do nothing' },
  ...paceOptions,
  ...yesOption,
  ...textOrLines,
  ...placeOptions,
} as const;

/** Syntax of `drover cp`. */
export const cpSyntax: CommandSyntax<typeof cpOptions> = {
  name: 'cp',
  summary: 'copy files to nodes, or from nodes',
  usage: '[options] SRC… DST',
  words: anyWords,
  options: cpOptions,
  details: [
    'DST is NODES:PATH and each SRC a path here, to copy to nodes; or each SRC is NODES:PATH and DST a path here, to copy from nodes: from one plain node name into DST, from a set into DST/NODE for each node. What has a colon before its first slash is on nodes; ./a:b is a file here. - is standard input, or standard output for a file of one node.',
    'A file is there whole or not at all: it is built beside its target, verified by its SHA-256, and takes the name at once. A copy that was cut goes on where it was when it is called again.',
    'A directory that is there takes each SRC under its own name, as with cp(1); otherwise a single SRC becomes DST. A DST that ends with / must be a directory. With -T DST is SRC itself whatever is there: give it where the same copy may be called again, as after one that was cut.',
    whichNodes,
    whichPaths,
  ],
  examples: [
    'drover cp app.conf web[1-20]:/etc/app/',
    'drover cp -r -T build @role=web:releases/42',
    'drover cp -p --mode 0755 tool @all:bin/tool',
    'drover cp web[1-20]:/var/log/app.log logs/',
    'pg_dump db | drover cp - db2:dump.sql',
    'drover cp web1:dump.sql - | psql db',
  ],
};

const rmOptions = {
  recursive: { type: 'boolean', short: 'r', help: 'directories with all that is in them' },
  force: { type: 'boolean', short: 'f', help: 'what is not there is no problem' },
  ...yesOption,
  ...textOrLines,
  ...placeOptions,
} as const;

/** Syntax of `drover rm`. */
export const rmSyntax: CommandSyntax<typeof rmOptions> = {
  name: 'rm',
  summary: 'remove files on nodes',
  usage: '[options] NODES:PATH…',
  words: anyWords,
  options: rmOptions,
  details: [whichNodes, whichPaths, 'A root of the policy, a mount point and / are never removed.'],
  examples: ['drover rm web[1-3]:old.conf', 'drover rm -r @all:releases/41', 'drover rm -w web1 a b c'],
};

const lsOptions = {
  long: { type: 'boolean', short: 'l', help: 'with mode, owner, size and time' },
  recursive: { type: 'boolean', short: 'R', help: 'all that is below too' },
  directory: { type: 'boolean', short: 'd', help: 'directories themselves, not what is in them' },
  ...foldOption,
  ...textOrLines,
  ...placeOptions,
} as const;

/** Syntax of `drover file ls`. */
export const listFilesSyntax: CommandSyntax<typeof lsOptions> = {
  name: 'file ls',
  summary: 'list files of nodes',
  usage: '[options] [NODES:PATH…]',
  words: anyWords,
  options: lsOptions,
  details: [
    'A name is followed by / where it is a directory, by @ where it is a symbolic link.',
    whichNodes,
    whichPaths,
  ],
  examples: ['drover file ls web1:', 'drover file ls -l -b @all:/etc/app', 'drover file ls -R web1:releases'],
};

const statOptions = {
  checksum: { type: 'boolean', help: 'with the SHA-256 of regular files' },
  ...foldOption,
  ...textOrLines,
  ...placeOptions,
} as const;

/** Syntax of `drover file stat`. */
export const statFilesSyntax: CommandSyntax<typeof statOptions> = {
  name: 'file stat',
  summary: 'show everything that is known of files of nodes',
  usage: '[options] NODES:PATH…',
  words: anyWords,
  options: statOptions,
  details: [whichNodes, whichPaths],
  examples: ['drover file stat web1:app.conf', 'drover file stat -b --checksum @all:/usr/local/bin/tool'],
};

const readOptions = {
  raw: { type: 'boolean', help: 'print bytes as they come: no node names, no control sequences removed' },
  ...foldOption,
  ...textOrLines,
  ...placeOptions,
} as const;
const readingDetails = [
  'From one plain node name, and where standard output is no terminal, the very bytes are printed; from several nodes lines with their names.',
  whichNodes,
  whichPaths,
];

/** Syntax of `drover file cat`. */
export const catFileSyntax: CommandSyntax<typeof readOptions> = {
  name: 'file cat',
  summary: 'print a file of nodes',
  usage: '[options] NODES:PATH',
  words: { max: 1, insteadOfMore: 'name one file' },
  options: readOptions,
  details: readingDetails,
  examples: ['drover file cat web1:app.conf', 'drover file cat -b @all:/etc/app/version'],
};

const headOptions = {
  lines: { type: 'string', short: 'n', value: 'N', help: 'so many lines (default: 10)' },
  bytes: { type: 'string', short: 'c', value: 'N', help: 'so many bytes instead, such as 512 or 4k' },
  ...readOptions,
} as const;

/** Syntax of `drover file head`. */
export const headFileSyntax: CommandSyntax<typeof headOptions> = {
  name: 'file head',
  summary: 'print the beginning of a file of nodes',
  usage: '[options] NODES:PATH',
  words: { max: 1, insteadOfMore: 'name one file' },
  options: headOptions,
  details: readingDetails,
  examples: ['drover file head -n 3 web[1-3]:app.conf', 'drover file head -c 512 web1:image.bin | xxd'],
};

const tailOptions = {
  lines: headOptions.lines,
  bytes: headOptions.bytes,
  follow: { type: 'boolean', short: 'f', help: 'go on as it grows, also under a new file of that name' },
  ...readOptions,
} as const;

/** Syntax of `drover file tail`. */
export const tailFileSyntax: CommandSyntax<typeof tailOptions> = {
  name: 'file tail',
  summary: 'print the end of a file of nodes, and what comes',
  usage: '[options] NODES:PATH',
  words: { max: 1, insteadOfMore: 'name one file' },
  options: tailOptions,
  details: readingDetails,
  examples: ['drover file tail -f web[1-3]:/var/log/app.log', 'drover file tail -n 100 web1:app.log'],
};

const mkdirOptions = {
  parents: { type: 'boolean', short: 'p', help: 'those above it too, and one that is there is no problem' },
  mode: { type: 'string', short: 'm', value: 'MODE', help: 'permission bits, such as 0750' },
  ...yesOption,
  ...textOrLines,
  ...placeOptions,
} as const;

/** Syntax of `drover file mkdir`. */
export const makeDirectoriesSyntax: CommandSyntax<typeof mkdirOptions> = {
  name: 'file mkdir',
  summary: 'make directories on nodes',
  usage: '[options] NODES:PATH…',
  words: anyWords,
  options: mkdirOptions,
  details: [whichNodes, whichPaths],
  examples: ['drover file mkdir -p @role=web:releases/42'],
};

const mvOptions = {
  force: { type: 'boolean', short: 'f', help: 'replace what has the new name' },
  ...yesOption,
  ...textOrLines,
  ...placeOptions,
} as const;

/** Syntax of `drover file mv`. */
export const moveFileSyntax: CommandSyntax<typeof mvOptions> = {
  name: 'file mv',
  summary: 'give a file or directory on nodes another name',
  usage: '[options] NODES:PATH PATH',
  words: { max: 2, insteadOfMore: 'give one PATH and its new name' },
  options: mvOptions,
  details: ['The new name is on the same nodes, and on the same filesystem.', whichNodes, whichPaths],
  examples: ['drover file mv web[1-3]:app.conf.new app.conf', 'drover file mv -f @all:a /srv/app/b'],
};
