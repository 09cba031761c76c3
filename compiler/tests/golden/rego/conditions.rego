# Made by hexgate from a policy with the SHA-256 digest
# 616d11b8ff01088c79556a0af30684af34851d9880c35a8e4002aeb4197ca23e.
# Change the policy, not this text.
package hexgate.policy

import rego.v1

# The answer of the first role that allows, or else of the first that asks for approval.
decision := {
	"allow": granted.outcome == "allow",
	"requires_approval": granted.outcome == "approval",
	"violations": [],
	"role": entry.index,
	"scope": granted.scope,
	"denials": [],
	"hint": null,
} if {
	complete
	position := granting[0]
	entry := deciding[position]
	granted := results[position]
}

# Without one a denial, and why each role denies.
else := {
	"allow": false,
	"requires_approval": false,
	"violations": violations,
	"role": null,
	"scope": null,
	"denials": denials,
	"hint": hint,
} if {
	complete
	count(granting) == 0
}

# Nothing is decided unless every deciding role has a result.
complete if count(results) == count(deciding)

granting := array.concat(
	[position | some position, result in results; result.outcome == "allow"],
	[position | some position, result in results; result.outcome == "approval"],
)

violated := [text | some result in results; some text in result.violations]

violations := [text |
	some index, text in violated
	earlier := array.slice(violated, 0, index)
	not text in earlier
]

denials := [denial |
	some position, result in results
	denial := {
		"role": deciding[position].role,
		"because": result.because,
		"violations": result.violations,
	}
]

default hint := null

hint := results[0].hint if {
	every result in results {
		result.hint == results[0].hint
	}
}

results := [result |
	some entry in deciding
	result := evaluate(entry.role)
]

# The caller's roles: a list, or one name.
given := input.roles if is_array(input.roles)

given := [role | role := input.role; is_string(role)] if {
	count([roles | roles := input.roles]) == 0
}

# Those that the policy knows, each once, or else its default.
known := entries if {
	is_array(given)
	entries := [{"index": index, "role": role} |
		some index, role in given
		role in roles
		earlier := array.slice(given, 0, index)
		not role in earlier
	]
}

deciding := known if count(known) > 0

deciding := fallback if count(known) == 0

grant(outcome, scope) := {"outcome": outcome, "scope": scope, "because": null, "violations": [], "hint": null}

refusal(because, violations, hint) := {
	"outcome": "deny",
	"scope": null,
	"because": because,
	"violations": violations,
	"hint": hint,
}

unlisted := refusal("unlisted", [], null)

listed_as_denied := refusal("mode", [], null)

roles := {"default", "support"}

fallback := [{"index": null, "role": "default"}]

evaluate("default") := tools_0(input.tool)

evaluate("support") := tools_1("support", input.tool)

tools_0(_) := unlisted

listed_1 := ["loop", "refund_order"]

tools_1(role, "loop") := rule_0(role)

tools_1(role, "refund_order") := rule_1(role)

tools_1(_, tool) := unlisted if not tool in listed_1

rule_0(role) := grant("approval", null) if {
	holds_0
	holds_1
	holds_2(role)
	holds_3
	holds_4
	holds_5
}

else := refused([violated_0, violated_1, violated_2(role), violated_3, violated_4, violated_5])

rule_1(role) := grant("allow", null) if {
	holds_6
	holds_7
	holds_8
	holds_9
	holds_10
	holds_11
	holds_12
	holds_13
	holds_14
	holds_15
	holds_16
	holds_17
	holds_18
	holds_19(role)
}

else := refused([violated_6, violated_7, violated_8, violated_9, violated_10, violated_11, violated_12, violated_13, violated_14, violated_15, violated_16, violated_17, violated_18, violated_19(role)])

holds_0 if {
	is_array(input.args.items)
	every element in input.args.items {
		part_1(element)
	}
}

part_1(element) if {
	is_number(element.price)
	element.price > 0
	ordered(element.price, input.args.limit)
	element.price <= input.args.limit
}

violated_0 := [] if holds_0

else := ["every(args.items, .price > 0 and .price <= args.limit)"]

holds_1 if {
	is_array(input.args.items)
	some element in input.args.items
	part_2(element)
}

part_2(element) if {
	is_string(element)
	element == "x"
}

part_2(element) if {
	type_name(element) in ["number", "string"]
	element in [1, "a"]
}

violated_1 := [] if holds_1

else := ["any(args.items, . == \"x\" or . in [1, \"a\"])"]

holds_2(role) if {
	is_array(input.args.items)
	some element in input.args.items
	part_4(role, element)
}

part_3(role, inner) if {
	is_string(inner)
	inner != role
}

part_4(role, element) if {
	is_array(element.tags)
	every inner in element.tags {
		part_3(role, inner)
	}
}

violated_2(role) := [] if holds_2(role)

else := ["not every(args.items, any(.tags, . == role))"]

holds_3 if {
	is_array(input.args.items)
	every element in input.args.items {
		part_6(element)
	}
}

part_5(inner) if count([value | value := inner]) == 0

part_5(inner) if is_null(inner)

part_6(element) if {
	is_array(element)
	some inner in element
	part_5(inner)
}

violated_3 := [] if holds_3

else := ["not any(args.items, every(., present(.) and . != null))"]

holds_4 if {
	is_array(input.args.a)
	some element in input.args.a
	part_7(element)
	part_9
}

part_7(element) if {
	is_number(element)
	element == 1
}

part_8(element) if {
	is_number(element)
	element == 2
}

part_9 if {
	is_array(input.args.b)
	some element in input.args.b
	part_8(element)
}

violated_4 := [] if holds_4

else := ["any(args.a, . == 1) and any(args.b, . == 2)"]

holds_5 if {
	is_array(input.args.items)
	every element in input.args.items {
		part_10(element)
	}
}

part_10(_) := true

violated_5 := [] if holds_5

else := ["every(args.items, 1 == 1)"]

holds_6 if {
	is_object(input.args)
	object.remove(input.args, ["amount", "currency"]) == {}
}

violated_6 := [] if holds_6

else := ["only(args, [\"amount\", \"currency\"])"]

holds_7 if {
	is_number(input.args.amount)
	input.args.amount > 0
	part_11
}

part_11 if {
	is_number(input.args.amount)
	input.args.amount <= 50
}

part_11 if input.args.currency in ["USD", null]

violated_7 := [] if holds_7

else := ["args.amount > 0 and (args.amount <= consts.limit or args.currency in consts.currencies)"]

holds_8 if count([value | value := input.args.note]) == 0

holds_8 if size(input.args.note) <= 200

violated_8 := [] if holds_8

else := ["not present(args.note) or count(args.note) <= 200"]

holds_9 if {
	is_string(input.args.a)
	input.args.a != "x"
}

holds_9 if {
	is_number(input.args.b)
	input.args.b >= 5
}

violated_9 := [] if holds_9

else := ["not (args.a == \"x\" and args.b < 5)"]

holds_10 if {
	input.args.a == input.args.b
	ordered(input.args.a, input.args.c)
	input.args.a < input.args.c
}

violated_10 := [] if holds_10

else := ["args.a == args.b and args.a < args.c"]

holds_11 if {
	type_name(input.args.a) == type_name(input.args.b)
	input.args.a != input.args.b
}

holds_11 if {
	ordered(input.args.a, input.args.c)
	input.args.a >= input.args.c
}

violated_11 := [] if holds_11

else := ["args.a != args.b or not args.a < args.c"]

holds_12 if {
	type_name(input.args.x) in ["number", "string", "array"]
	outside(input.args.x, [1, "a", [1, 1e400]])
}

violated_12 := [] if holds_12

else := ["args.x not in [1, \"a\", [1, 1e400]]"]

holds_13 if input.args.x == null

holds_13 if input.args.y != null

violated_13 := [] if holds_13

else := ["args.x == null or null != args.y"]

holds_14 if {
	is_number(input.args["x y"])
	input.args["x y"] >= -5
	is_string(input.args["default"])
	input.args["default"] < "b"
}

violated_14 := [] if holds_14

else := ["-5 <= args[\"x y\"] and \"b\" > args.default"]

holds_15 if {
	is_string(input.args.s)
	startswith(input.args.s, "/tmp/")
	is_string(input.args.s)
	endswith(input.args.s, "\n") == false
}

holds_15 if {
	is_string(input.args.s)
	contains(input.args.s, "é")
}

violated_15 := [] if holds_15

else := ["startswith(args.s, \"/tmp/\") and not endswith(args.s, \"\\n\") or contains(args.s, \"é\")"]

holds_16 if {
	is_string(input.args.s)
	regex.match("^inv_\\d{4}$", input.args.s)
	is_string(input.args.s)
	regex.match("0000", input.args.s) == false
}

violated_16 := [] if holds_16

else := ["matches(args.s, \"^inv_\\\\d{4}$\") and not matches(args.s, \"0000\")"]

holds_17 if {
	is_object(input.args.o)
	object.remove(input.args.o, []) != {}
}

violated_17 := [] if holds_17

else := ["not only(args.o, [])"]

holds_18 if {
	present(input.user.id)
	input.ctx.env == "prod"
	is_number(input.run.calls)
	input.run.calls < 10
}

violated_18 := [] if holds_18

else := ["present(user.id) and ctx.env == \"prod\" and run.calls < 10"]

holds_19(role) if {
	role != input.tool
	size(role) == size(input.args.a)
}

violated_19(role) := [] if holds_19(role)

else := ["role != tool and count(role) == count(args.a)"]

refused(lists) := refusal("constraints", [text | some list in lists; some text in list], null)

present(_) := true

size(value) := count(value) if is_array(value)

size(value) := count(value) if is_object(value)

size(value) := count(value) if is_string(value)

ordered(one, other) if {
	is_number(one)
	is_number(other)
}

ordered(one, other) if {
	is_string(one)
	is_string(other)
}

outside(value, list) if not value in list
