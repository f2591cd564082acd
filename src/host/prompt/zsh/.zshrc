# The user's own configuration, then the namespace before whatever prompt that makes.
if [[ -n $NETLAB_ZDOTDIR ]]; then ZDOTDIR=$NETLAB_ZDOTDIR; else unset ZDOTDIR; fi
unset NETLAB_ZDOTDIR
if [[ -f ${ZDOTDIR:-$HOME}/.zshrc ]]; then . ${ZDOTDIR:-$HOME}/.zshrc; fi
netlab_prompt() {
  # A %v is taken from psvar only when the prompt is shown: nothing in the name is run.
  psvar[9]=$NETLAB_PROMPT
  [[ $PROMPT == '(%9v) '* ]] || PROMPT='(%9v) '$PROMPT
}
precmd_functions+=(netlab_prompt)
