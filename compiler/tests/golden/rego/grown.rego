# Made by hexgate from a policy with the SHA-256 digest
# 422a01aac02a4e38bbedb53cfe73fdde668eb7b80f583a66471d4c845580b03c.
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

roles := {"default"}

fallback := [{"index": null, "role": "default"}]

evaluate("default") := tools_0("default", input.tool)

listed_0 := ["anywhere", "counted", "element", "members", "named", "optional", "said", "texts", "types"]

tools_0(_, "anywhere") := rule_0

tools_0(role, "counted") := rule_1(role)

tools_0(_, "element") := rule_2

tools_0(role, "members") := rule_3(role)

tools_0(_, "named") := rule_4

tools_0(_, "optional") := rule_5

tools_0(_, "said") := rule_6

tools_0(_, "texts") := rule_7

tools_0(_, "types") := rule_8

tools_0(_, tool) := unlisted if not tool in listed_0

rule_0 := grant("allow", null) if {
	holds_0
	holds_1
}

else := refused([violated_0, violated_1])

rule_1(role) := grant("allow", null) if {
	holds_2
	holds_3(role)
}

else := refused([violated_2, violated_3(role)])

rule_2 := grant("allow", null) if {
	holds_4
	holds_5
}

else := refused([violated_4, violated_5])

rule_3(role) := grant("allow", null) if {
	holds_6
	holds_7(role)
}

else := refused([violated_6, violated_7(role)])

rule_4 := grant("allow", null) if {
	holds_8
	holds_9
	holds_10
}

else := refused([violated_8, violated_9, violated_10])

rule_5 := grant("allow", null) if {
	holds_11
	holds_12
}

else := refused([violated_11, violated_12])

rule_6 := grant("allow", null) if {
	holds_13
	holds_14
	holds_15
	holds_16
}

else := refused([violated_13, violated_14, violated_15, violated_16])

rule_7 := grant("allow", null) if {
	holds_17
	holds_18
	holds_19
}

else := refused([violated_17, violated_18, violated_19])

rule_8 := grant("allow", null) if {
	holds_20
	holds_21
}

else := refused([violated_20, violated_21])

holds_0 if {
	every element in texts(input.args) {
		part_1(element)
	}
}

part_1(element) if {
	is_string(element)
	regex.match("sk-[a-z]", element) == false
}

violated_0 := [] if holds_0

else := ["not anywhere(args, matches(., \"sk-[a-z]\"))"]

holds_1 if {
	some element in texts(input.args.body)
	part_2(element)
}

part_2(element) if {
	is_string(element)
	contains(element, "ok")
}

part_2(element) if element == input.ctx.word

violated_1 := [] if holds_1

else := ["anywhere(args.body, contains(., \"ok\") or . == ctx.word)"]

holds_2 if part_5(input.args.items) <= 2

part_3(element) if {
	is_number(element.price)
	element.price > 3
}

part_4(element) if {
	is_number(element.price)
	element.price <= 3
}

part_4(element) if part_3(element)

part_5(list) := count([element | some element in list; part_3(element)]) if {
	is_array(list)
	every element in list {
		part_4(element)
	}
}

violated_2 := [] if holds_2

else := ["count(args.items, .price > 3) <= 2"]

holds_3(role) if part_8(role, input.args.items) == size(input.args.items)

part_6(role, element) if {
	is_string(element.price)
	element.price != role
}

part_7(role, element) if element.price == role

part_7(role, element) if part_6(role, element)

part_8(role, list) := count([element | some element in list; part_6(role, element)]) if {
	is_array(list)
	every element in list {
		part_7(role, element)
	}
}

violated_3(role) := [] if holds_3(role)

else := ["count(args.items, not (.price == role)) == count(args.items)"]

holds_4 if input.args.command[0] in ["ls", "cat"]

violated_4 := [] if holds_4

else := ["args.command[0] in [\"ls\", \"cat\"]"]

holds_5 if {
	is_array(input.args.pairs)
	every element in input.args.pairs {
		part_9(element)
	}
}

part_9(element) if {
	ordered(element[1], element[0])
	element[1] > element[0]
}

violated_5 := [] if holds_5

else := ["every(args.pairs, .[1] > .[0])"]

holds_6 if {
	is_object(input.args.headers)
	every element in members(input.args.headers) {
		part_10(element)
	}
}

elements_0 := {value | some value in input.args.allowed} if is_array(input.args.allowed)

types_0 := types(input.args.allowed)

part_10(element) if {
	is_string(element.name)
	startswith(element.name, "x-")
	is_element(element.value, elements_0)
}

violated_6 := [] if holds_6

else := ["every_member(args.headers, startswith(.name, \"x-\") and .value in args.allowed)"]

holds_7(role) if {
	is_object(input.args.headers)
	every element in members(input.args.headers) {
		part_11(role, element)
	}
}

part_11(role, element) if {
	is_string(element.value)
	element.value != role
}

violated_7(role) := [] if holds_7(role)

else := ["not any_member(args.headers, .value == role)"]

holds_8 if {
	is_string(input.args.day)
	regex.match("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", input.args.day)
}

violated_8 := [] if holds_8

else := ["iso_date(args.day)"]

holds_9 if {
	is_number(input.args.n)
	input.args.n > 3
}

violated_9 := [] if holds_9

else := ["not small(args.n)"]

holds_10 if {
	is_number(input.usage.tool_calls_24h)
	input.usage.tool_calls_24h <= 20
}

violated_10 := [] if holds_10

else := ["usage.tool_calls_24h <= 20"]

holds_11 if count([value | value := input.args.note]) == 0

holds_11 if is_null(input.args.note)

holds_11 if part_12(input.args.note)

part_12(element) if size(element) < 5

violated_11 := [] if holds_11

else := ["optional(args.note, count(.) < 5)"]

holds_12 if {
	input.args.days != null
	part_15(input.args.days)
}

part_13(inner_3) if {
	is_string(inner_3)
	regex.match("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", inner_3) == false
}

part_14(inner) if {
	inner.from != null
	part_13(inner.from)
}

part_15(element) if {
	is_array(element)
	some inner in element
	part_14(inner)
}

violated_12 := [] if holds_12

else := ["not optional(args.days, every(., optional(.from, iso_date(.))))"]

holds_13 if {
	is_array(input.args.to)
	every element in input.args.to {
		part_16(element)
	}
}

elements_1 := {value | some value in input.said.emails} if is_array(input.said.emails)

types_1 := types(input.said.emails)

part_16(element) if is_element(element, elements_1)

violated_13 := [] if holds_13

else := ["every(args.to, . in said.emails)"]

holds_14 if {
	comparable(input.args.cc, types_1)
	is_no_element(input.args.cc, elements_1)
}

violated_14 := [] if holds_14

else := ["args.cc not in said.emails"]

holds_15 if is_element("x", elements_2)

elements_2 := {value | some value in input.args.tags} if is_array(input.args.tags)

types_2 := types(input.args.tags)

violated_15 := [] if holds_15

else := ["\"x\" in args.tags"]

holds_16 if {
	is_array(input.args.rows)
	some element in input.args.rows
	part_17(element)
}

part_17(element) if {
	is_array(element.ids)
	inside(element.id, element.ids)
}

violated_16 := [] if holds_16

else := ["any(args.rows, .id in .ids)"]

holds_17 if {
	is_string(input.args.path)
	is_string(input.args.prefix)
	input.args.prefix != ""
	startswith(input.args.path, input.args.prefix)
}

violated_17 := [] if holds_17

else := ["startswith(args.path, args.prefix)"]

holds_18 if {
	is_string(lowered(input.args.text))
	is_string(lowered(input.ctx.word))
	lowered(input.ctx.word) != ""
	contains(lowered(input.args.text), lowered(input.ctx.word)) == false
}

violated_18 := [] if holds_18

else := ["not contains(lower(args.text), lower(ctx.word))"]

holds_19 if {
	some element in ["a.example", ".b.example"]
	part_18(element)
}

part_18(element) if {
	is_string(input.args.host)
	is_string(element)
	element != ""
	endswith(input.args.host, element)
}

violated_19 := [] if holds_19

else := ["any(consts.domains, endswith(args.host, .))"]

holds_20 if type_of(input.args.a) in ["text", "list"]

violated_20 := [] if holds_20

else := ["type(args.a) in [\"text\", \"list\"]"]

holds_21 if lowered(type_of(input.args.b)) != "null"

violated_21 := [] if holds_21

else := ["lower(type(args.b)) != \"null\""]

refused(lists) := refusal("constraints", [text | some list in lists; some text in list], null)

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

inside(value, list) if value in list

# Whether a value is in a set, or is not. A text is found by its hash; `in` compares all, which numbers need, as equal ones can have
# different hashes.
is_element(value, set) if {
	is_string(value)
	set[value] == value
}

is_element(value, set) if {
	is_string(value) == false
	value in set
}

is_no_element(value, set) if {
	is_string(value)
	count([found | found := set[value]]) == 0
}

is_no_element(value, set) if {
	is_string(value) == false
	outside(value, set)
}

types(list) := {type_name(value) | some value in list} if is_array(list)

# Whether a value can be compared with elements of these types: with one of its own type, with `null`, and where there is none.
comparable(_, types) if count(types) == 0

comparable(_, types) if "null" in types

comparable(value, types) if type_name(value) in types

members(object) := [{"name": name, "value": value} | some name, value in object] if is_object(object)

# The texts at and below a value, and the names of members there.
texts(value) := values | names if {
	values := {text | walk(value, [_, text]); is_string(text)}
	names := {name | walk(value, [_, object]); is_object(object); some name, _ in object}
}

lowered(text) := strings.replace_n(small, text) if is_string(text)

small := {
	"A": "a", "B": "b", "C": "c", "D": "d", "E": "e", "F": "f", "G": "g",
	"H": "h", "I": "i", "J": "j", "K": "k", "L": "l", "M": "m", "N": "n",
	"O": "o", "P": "p", "Q": "q", "R": "r", "S": "s", "T": "t", "U": "u",
	"V": "v", "W": "w", "X": "x", "Y": "y", "Z": "z",
}

type_of(value) := object.get({"array": "list", "string": "text"}, type_name(value), type_name(value))
