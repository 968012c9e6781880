"""The roof: it alone knows sources, models and sinks, and puts them together.

A stream's way through it: `run` moves frames from the source through `sampling` and `signal` to the model; `planes`
makes visits of scores and the `analyst` makes events of visits; companions follow beside it (`exam`, `heart`,
`capture`); `outlets` hand what is told to the sinks. `config`, `settings` and `plugins` say what is wanted, `assemble`
builds it. `cli`, `doctor`, `report` and `evaluation` are what people call.
"""
