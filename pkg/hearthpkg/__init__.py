"""Makes Hearth's packages on Linux: `scripts/package` is what a person runs.

`elf` looks at what was compiled, `archive` packs, `freebsd` and `debian` know the two formats,
`agent` and `plugin` what goes into a package, `repository` makes what `pkg update` reads.
"""
