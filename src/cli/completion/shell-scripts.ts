/**
 * What makes bash, zsh and fish complete `drover`. The scripts know nothing of its commands: they hand the words over to
 * `drover complete`, which knows the command table and asks the cluster, and show its answer. So that no shell can differ.
 *
 * The answer is a line for each candidate, the word and its help with a tab between; or `:files`, `:directories` or
 * `:programs`, which the shell knows itself.
 */

/** The shells that there is a script for. */
export const shells = ['bash', 'zsh', 'fish'] as const;

/** One of them. */
export type Shell = (typeof shells)[number];

/**
 * Readline splits words at = : and @ too, which are parts of ours: they are put together again, and the beginning that
 * readline does not replace is taken off the candidates. From bash 4.4 on.
 */
const bash = String.raw`# bash completion for drover
# Once: source <(drover completion bash)
# For good: drover completion bash > /usr/share/bash-completion/completions/drover

_drover() {
  local line=${'$'}{COMP_LINE:0:COMP_POINT} words=() word i
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${'$'}{COMP_WORDS[i]}
    if [[ $line == [[:space:]]* || $i == 0 || -z $word ]]; then
      line=${'$'}{line#"${'$'}{line%%[![:space:]]*}"}
      words+=('')
    fi
    ((i == COMP_CWORD)) && word=$line
    words[-1]+=$word
    line=${'$'}{line#"$word"}
  done

  local current=${'$'}{words[-1]} taken='' breaks=${'$'}{COMP_WORDBREAKS//[^=:@]/}
  case $current in
    [\'\"]*) current=${'$'}{current:1} ;;
    *) [[ -n $breaks && $current == *[$breaks]* ]] && taken=${'$'}{current%"${'$'}{current##*[$breaks]}"} ;;
  esac
  taken=${'$'}{taken%@} # which readline leaves on the word

  local program=${'$'}{words[0]/#\~/$HOME} text rest
  COMPREPLY=()
  while IFS=$'\t' read -r text rest; do
    case $text in
      :files) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "${'$'}{current#"$taken"}") ;;
      :directories) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -d -- "${'$'}{current#"$taken"}") ;;
      :programs) mapfile -t COMPREPLY < <(compgen -c -- "$current") ;;
      *) COMPREPLY+=("${'$'}{text#"$taken"}") ;;
    esac
  done < <("$program" complete -- "${'$'}{words[@]:1}" 2>/dev/null)
}

complete -o nosort -F _drover drover
`;

const zsh = String.raw`#compdef drover
# zsh completion for drover
# Once: source <(drover completion zsh)
# For good: drover completion zsh > /usr/local/share/zsh/site-functions/_drover

_drover() {
  local -a lines candidates
  local line
  lines=("${'$'}{(@f)$("${'$'}{${'$'}{(Q)words[1]}/#\~/$HOME}" complete -- "${'$'}{(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
  for line in "${'$'}{lines[@]}"; do
    case $line in
      '') ;;
      :files) compset -P '--*='; _files; return ;;
      :directories) compset -P '--*='; _files -/; return ;;
      :programs) _command_names -e; return ;;
      *) candidates+=("${'$'}{${'$'}{line%%$'\t'*}//:/\\:}:${'$'}{line#*$'\t'}") ;;
    esac
  done
  (( ${'$'}{#candidates} )) && _describe -V drover candidates
}

if [[ ${'$'}{funcstack[1]} == _drover ]]; then
  _drover "$@"
else
  compdef _drover drover
fi
`;

const fish = `# fish completion for drover
# Once: drover completion fish | source
# For good: drover completion fish > ~/.config/fish/completions/drover.fish

function __drover_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l line
    for line in ($before[1] complete -- $before[2..] "$current" 2>/dev/null)
        switch $line
            case ':files'
                __drover_paths $current
            case ':directories'
                __drover_paths $current | string match -e -r '/$'
            case ':programs'
                __fish_complete_command
            case '*'
                echo $line
        end
    end
end

# Paths for a word, and for what follows the = of an option.
function __drover_paths
    set -l option (string match -r -- '^--[^=]*=' $argv[1])
    for path in (complete -C "'' "(string escape -- (string replace -r -- '^--[^=]*=' '' $argv[1])))
        echo "$option$path"
    end
end

complete -c drover -f -k -a '(__drover_complete)'
`;

/** The script for each shell. */
export const completionScripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };
