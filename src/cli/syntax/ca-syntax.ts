/** Syntax of the commands about the cluster's root certificate. */
import { type CommandSyntax, noWords } from '#base/command-line.ts';
import { clusterOptions, jsonOption } from './common-options.ts';

const showCaOptions = { ...jsonOption, ...clusterOptions } as const;

/** Syntax of `drover ca show`. */
export const showCaSyntax: CommandSyntax<typeof showCaOptions> = {
  name: 'ca show',
  summary: 'show by which root certificate a cluster is known: its pin, its fingerprint and its time',
  usage: '[options]',
  words: noWords,
  options: showCaOptions,
  details: [
    'It is the one that this command line trusts and nothing else, so nobody is asked for it. Join tokens end with its pin; browsers show its fingerprint.',
  ],
  examples: ['drover ca show'],
};

const exportCaOptions = { ...clusterOptions } as const;

/** Syntax of `drover ca export`. */
export const exportCaSyntax: CommandSyntax<typeof exportCaOptions> = {
  name: 'ca export',
  summary: 'print the root certificate of a cluster, PEM, for browsers and other clients',
  usage: '[options]',
  words: noWords,
  options: exportCaOptions,
  details: ['It is no secret. Whoever imports it trusts every server that this cluster certifies.'],
  examples: [
    'drover ca export > drover-root.pem',
    'curl --cacert drover-root.pem https://controller.example.org:7443/healthz',
  ],
};
