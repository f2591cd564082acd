import fc from 'fast-check'

// The same cases on every run, so that a change is judged by itself; NETLAB_SEED=n looks at others.
fc.configureGlobal({ seed: Number(process.env['NETLAB_SEED'] ?? 1) })
