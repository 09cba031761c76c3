# Decides whatever the arguments say, so that one module can answer in every shape, and undefined if they say nothing.
package hexgate.policy

decision := input.args.answer

decision := {"allow": false, "requires_approval": false, "violations": []} if not input.args.asked
