# The user's own configuration, then the namespace before whatever prompt that makes.
if [ -f ~/.bashrc ]; then . ~/.bashrc; fi
netlab_prompt() {
  # The name is expanded only when the prompt is shown: nothing in it is run.
  case $PS1 in '($NETLAB_PROMPT) '*) ;; *) PS1='($NETLAB_PROMPT) '$PS1 ;; esac
}
netlab_prompt
# Some prompts are made anew each time.
if [ "${#PROMPT_COMMAND[@]}" -gt 1 ]; then
  PROMPT_COMMAND+=(netlab_prompt)
else
  PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}netlab_prompt"
fi
