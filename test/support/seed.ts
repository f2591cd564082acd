import fc from 'fast-check'

// Property tests make up the same cases on every run, so that a failure is due to the change; NETLAB_SEED=n makes up others.
fc.configureGlobal({ seed: Number(process.env['NETLAB_SEED'] ?? 1) })
