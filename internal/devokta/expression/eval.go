package expression

import (
	"cmp"
	"fmt"
	"reflect"
)

// Env is what an expression can see.
type Env struct {
	// Objects are user, appuser and app; one that is nil is null.
	Objects map[string]Object
	// Groups are the person's.
	Groups []Group
}

// Object has attributes; a value of nil is an attribute that is known and empty.
type Object map[string]any

// Group is one of the person's groups.
type Group struct {
	ID, Name string
	Source   string // OKTA, active_directory or an application's id
}

// Eval computes an expression.
func (e *Expression) Eval(env *Env) (any, error) { return e.root(env) }

func constant(v any) node { return func(*Env) (any, error) { return v, nil } }

func object(name string) node {
	return func(env *Env) (any, error) {
		o, ok := env.Objects[name]
		if !ok {
			return nil, fmt.Errorf("there is nothing called %q", name)
		}
		if o == nil {
			return nil, nil
		}
		return o, nil
	}
}

func property(of node, name string) node {
	return func(env *Env) (any, error) {
		v, err := of(env)
		if err != nil {
			return nil, err
		}
		o, ok := v.(Object)
		if !ok {
			return nil, fmt.Errorf("%q of something that is no object", name)
		}
		attribute, ok := o[name]
		if !ok {
			return nil, fmt.Errorf("there is no attribute %q", name)
		}
		return attribute, nil
	}
}

func index(of, at node) node {
	return func(env *Env) (any, error) {
		list, i, err := both(env, of, at)
		if err != nil {
			return nil, err
		}
		values, ok := list.([]any)
		n, isNumber := i.(int)
		if !ok || !isNumber || n < 0 || n >= len(values) {
			return nil, fmt.Errorf("the index does not fit")
		}
		return values[n], nil
	}
}

func both(env *Env, a, b node) (any, any, error) {
	left, err := a(env)
	if err != nil {
		return nil, nil, err
	}
	right, err := b(env)
	return left, right, err
}

// choose evaluates only the branch that is taken: the other may fail.
func choose(condition, yes, no node) node {
	return func(env *Env) (any, error) {
		is, err := truth(env, condition)
		if err != nil {
			return nil, err
		}
		if is {
			return yes(env)
		}
		return no(env)
	}
}

// fallback is a ?: b, which is b when a is null or empty.
func fallback(a, b node) node {
	return func(env *Env) (any, error) {
		v, err := a(env)
		if err != nil || v != nil && v != "" {
			return v, err
		}
		return b(env)
	}
}

func either(a, b node, enough bool) node {
	return func(env *Env) (any, error) {
		is, err := truth(env, a)
		if err != nil || is == enough {
			return is, err
		}
		return truth(env, b)
	}
}

func truth(env *Env, n node) (bool, error) {
	v, err := n(env)
	if err != nil {
		return false, err
	}
	is, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("a condition is neither true nor false")
	}
	return is, nil
}

func negate(n node) node {
	return func(env *Env) (any, error) {
		is, err := truth(env, n)
		return !is, err
	}
}

func compare(op string, a, b node) node {
	return func(env *Env) (any, error) {
		left, right, err := both(env, a, b)
		if err != nil {
			return nil, err
		}
		switch op {
		case "==":
			return reflect.DeepEqual(left, right), nil
		case "!=":
			return !reflect.DeepEqual(left, right), nil
		}
		order, err := ordered(left, right)
		if err != nil {
			return nil, err
		}
		switch op {
		case "<":
			return order < 0, nil
		case ">":
			return order > 0, nil
		case "<=":
			return order <= 0, nil
		}
		return order >= 0, nil
	}
}

func ordered(a, b any) (int, error) {
	switch x := a.(type) {
	case int:
		if y, ok := b.(int); ok {
			return cmp.Compare(x, y), nil
		}
	case string:
		if y, ok := b.(string); ok {
			return cmp.Compare(x, y), nil
		}
	}
	return 0, fmt.Errorf("two values can't be compared")
}

// maxText bounds what concatenation can build.
const maxText = 64 << 10

// add sums numbers; with a string on either side it concatenates, and null is written out, as SpEL does.
func add(a, b node) node {
	return func(env *Env) (any, error) {
		left, right, err := both(env, a, b)
		if err != nil {
			return nil, err
		}
		x, isNumber := left.(int)
		y, alsoNumber := right.(int)
		if isNumber && alsoNumber {
			return x + y, nil
		}
		_, isText := left.(string)
		_, alsoText := right.(string)
		if !isText && !alsoText {
			return nil, fmt.Errorf("two values can't be added")
		}
		out := written(left) + written(right)
		if len(out) > maxText {
			return nil, fmt.Errorf("the text is too long")
		}
		return out, nil
	}
}

func written(v any) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprint(v)
}

func array(items []node) node {
	return func(env *Env) (any, error) {
		out := make([]any, 0, len(items))
		for _, item := range items {
			v, err := item(env)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	}
}

func call(name string, f function, args []node) node {
	return func(env *Env) (any, error) {
		values := make([]any, 0, len(args))
		for _, arg := range args {
			v, err := arg(env)
			if err != nil {
				return nil, err
			}
			values = append(values, v)
		}
		v, err := f(env, values)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return v, nil
	}
}
