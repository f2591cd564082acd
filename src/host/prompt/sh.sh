# What dash, ksh and busybox read where ENV names it: the user's own configuration, then the namespace before the prompt.
ENV=$NETLAB_ENV
unset NETLAB_ENV
if [ -f "$ENV" ]; then . "$ENV"; fi
[ -n "$ENV" ] || unset ENV
# The name is expanded only when the prompt is shown: nothing in it is run.
PS1='($NETLAB_PROMPT) '$PS1
