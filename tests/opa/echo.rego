# Decides whatever the arguments say, so that one module can answer in every shape.
package hexgate.policy

decision := input.args.answer
