# Sourced by the other scripts, from the repository's root: where everything is.
#
#   CONVSCOPE_DIR     all that scripts/setup makes; may be shared between clones
#   LIBTORCH          a libtorch of your own wins; torch-sys builds against this one
#   CONVSCOPE_EVCXR   an evcxr_jupyter of your own wins too
# shellcheck shell=bash

ROOT=$PWD
# shellcheck source=kernel/versions.env
. "$ROOT/kernel/versions.env"

export CONVSCOPE_DIR=${CONVSCOPE_DIR:-$ROOT/.convscope}
case $CONVSCOPE_DIR in /*) ;; *) CONVSCOPE_DIR=$ROOT/$CONVSCOPE_DIR ;; esac

VENV=$CONVSCOPE_DIR/venv
TOOLS=$CONVSCOPE_DIR/tools
export LIBTORCH=${LIBTORCH:-$CONVSCOPE_DIR/libtorch}
export CONVSCOPE_EVCXR=${CONVSCOPE_EVCXR:-$TOOLS/bin/evcxr_jupyter}
export CONVSCOPE_BIN=$TOOLS/bin/convscope
export CONVSCOPE_PYTHON=$VENV/bin/python # the parity tests ask this one

# The tour's photo, where the weights' folder has one beside it.
if [ -z "${CONVSCOPE_PHOTO:-}" ] && [ -f "${CONVSCOPE_HOME:-}/images/hub_dog.jpg" ]; then
    export CONVSCOPE_PHOTO=$CONVSCOPE_HOME/images/hub_dog.jpg
fi

# libtorch's threads wait as in a kernel (kernel/src/threads.rs), unless something was said about it.
if [ -z "${OMP_WAIT_POLICY:-}${GOMP_SPINCOUNT:-}${KMP_BLOCKTIME:-}" ]; then
    export GOMP_SPINCOUNT=1000 KMP_BLOCKTIME=1
fi

# rustup's usual place is not on the PATH of every shell.
if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
    export PATH=$HOME/.cargo/bin:$PATH
fi

# rustup's cargo looks for its toolchains in $HOME, which in a container may not be the one it was
# installed for.
if [ -z "${RUSTUP_HOME:-}" ] && ! [ -d "$HOME/.rustup/toolchains" ]; then
    rustup_home=$(dirname "$(command -v cargo || echo /)")/../../.rustup
    if [ -d "$rustup_home/toolchains" ]; then RUSTUP_HOME=$(cd "$rustup_home" && pwd) && export RUSTUP_HOME; fi
fi

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    BOLD=$'\e[1m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
    # shellcheck disable=SC2034
    BOLD='' RED='' PLAIN=''
fi
