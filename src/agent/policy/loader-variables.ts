/**
 * Variables by which a loader, a shell or an interpreter runs other code than the command says. They never pass from an
 * operator to a task, whatever a policy allows: a list of allowed commands would mean nothing beside them.
 */
const names: ReadonlySet<string> = new Set([
  'BASHOPTS',
  'BASH_ENV',
  'BASH_LOADABLES_PATH',
  'ENV',
  'GCONV_PATH',
  'GETCONF_DIR',
  'GLIBC_TUNABLES',
  'HOSTALIASES',
  'IFS',
  'JAVA_TOOL_OPTIONS',
  'JDK_JAVA_OPTIONS',
  'LOCALDOMAIN',
  'LOCPATH',
  'NIS_PATH',
  'NLSPATH',
  'NODE_OPTIONS',
  'NODE_PATH',
  'PERL5DB',
  'PERL5LIB',
  'PERL5OPT',
  'PERLLIB',
  'PROMPT_COMMAND',
  'PS4',
  'PYTHONHOME',
  'PYTHONINSPECT',
  'PYTHONPATH',
  'PYTHONSTARTUP',
  'RESOLV_HOST_CONF',
  'RES_OPTIONS',
  'RUBYLIB',
  'RUBYOPT',
  'SHELLOPTS',
  'TMPPREFIX',
  'ZDOTDIR',
  '_JAVA_OPTIONS',
]);

const prefixes = ['LD_', 'BASH_FUNC_', 'MALLOC_'] as const;

/** Whether `name` is such a variable. */
export function isLoaderVariable(name: string): boolean {
  return names.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
}
