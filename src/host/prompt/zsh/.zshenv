# zsh looks for all its files where ZDOTDIR says: here for this one and .zshrc, which send it back to the user's own.
netlab_here=$ZDOTDIR
if [[ -n $NETLAB_ZDOTDIR ]]; then ZDOTDIR=$NETLAB_ZDOTDIR; else unset ZDOTDIR; fi
if [[ -f ${ZDOTDIR:-$HOME}/.zshenv ]]; then . ${ZDOTDIR:-$HOME}/.zshenv; fi
NETLAB_ZDOTDIR=$ZDOTDIR
ZDOTDIR=$netlab_here
unset netlab_here
