package templates

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"text/template/parse"
)

// A call is one of static or url in a page, with a name that is written there as a
// constant. A name that is computed is known only when the page is rendered.
type call struct {
	place          string // file:line:column
	at             parse.Pos
	function, name string
}

// checkCalls finds the calls in all texts, keeps those of url in the site's own for
// CheckURLs, and returns a mistake for each static file that is not there.
func (s *Set) checkCalls(texts map[string]string, own map[string]bool, funcs template.FuncMap) (mistakes []error) {
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		for _, c := range callsIn(name+".html", texts[name]) {
			switch {
			case funcs[c.function] != nil: // the site's own, whose argument may mean anything
			case c.function == "url":
				if own[name] {
					s.urls = append(s.urls, c)
				}
				continue
			case s.files[c.name].Type == "":
				mistakes = append(mistakes, fmt.Errorf("templates: %s: %s", c.place, s.noStatic(c.name)))
			}
			s.static = s.static || funcs[c.function] == nil
		}
	}
	return mistakes
}

// callsIn returns the calls in a file, and in all that it defines, in the order in which
// they stand there. One that does not parse has none: that is reported elsewhere.
func callsIn(file, text string) (calls []call) {
	trees := map[string]*parse.Tree{}
	top := parse.New(file)
	top.Mode = parse.SkipFuncCheck
	if _, err := top.Parse(text, "", "", trees); err != nil {
		return nil
	}
	for _, tree := range trees {
		eachCall(tree.Root, func(function *parse.IdentifierNode, name string) {
			place, _ := tree.ErrorContext(function)
			calls = append(calls, call{place, function.Position(), function.Ident, name})
		})
	}
	slices.SortFunc(calls, func(a, b call) int { return cmp.Compare(a.at, b.at) })
	return calls
}

// showsContent reports whether the layout called name, or a part, takes the template
// "content".
func showsContent(layout string, texts map[string]string) bool {
	for name, text := range texts {
		if name != layout && !strings.HasPrefix(name, "parts/") {
			continue
		}
		trees := map[string]*parse.Tree{}
		top := parse.New(name)
		top.Mode = parse.SkipFuncCheck
		if _, err := top.Parse(text, "", "", trees); err != nil {
			return true // which is reported elsewhere
		}
		for _, tree := range trees {
			if takes(tree.Root, "content") {
				return true
			}
		}
	}
	return false
}

// takes reports whether a template is called by name below a node.
func takes(node parse.Node, name string) bool {
	in := func(b *parse.BranchNode) bool { return takes(b.List, name) || takes(b.ElseList, name) }
	switch n := node.(type) {
	case *parse.ListNode:
		return n != nil && slices.ContainsFunc(n.Nodes, func(below parse.Node) bool { return takes(below, name) })
	case *parse.TemplateNode:
		return n.Name == name
	case *parse.IfNode:
		return in(&n.BranchNode)
	case *parse.RangeNode:
		return in(&n.BranchNode)
	case *parse.WithNode:
		return in(&n.BranchNode)
	}
	return false
}

// eachCall calls found with every call below a node.
func eachCall(node parse.Node, found func(function *parse.IdentifierNode, name string)) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n != nil { // where there is no else
			for _, below := range n.Nodes {
				eachCall(below, found)
			}
		}
	case *parse.ActionNode:
		eachCall(n.Pipe, found)
	case *parse.TemplateNode:
		eachCall(n.Pipe, found)
	case *parse.IfNode:
		eachInBranch(&n.BranchNode, found)
	case *parse.RangeNode:
		eachInBranch(&n.BranchNode, found)
	case *parse.WithNode:
		eachInBranch(&n.BranchNode, found)
	case *parse.ChainNode:
		eachCall(n.Node, found)
	case *parse.PipeNode:
		if n == nil { // a template that is given nothing
			return
		}
		var piped []parse.Node // what the command before hands on, as the last argument
		for _, command := range n.Cmds {
			arguments := slices.Concat(command.Args, piped)
			function, ok := arguments[0].(*parse.IdentifierNode)
			if ok && len(arguments) > 1 && (function.Ident == "static" || function.Ident == "url") {
				if name, ok := constant(arguments[1]); ok {
					found(function, name)
				}
			}
			for _, argument := range command.Args {
				eachCall(argument, found)
			}
			piped = []parse.Node{command}
		}
	}
}

func eachInBranch(n *parse.BranchNode, found func(function *parse.IdentifierNode, name string)) {
	eachCall(n.Pipe, found)
	eachCall(n.List, found)
	eachCall(n.ElseList, found)
}

// constant returns the text of a node that is a string constant, in parentheses or not.
func constant(node parse.Node) (text string, ok bool) {
	switch n := node.(type) {
	case *parse.StringNode:
		return n.Text, true
	case *parse.CommandNode:
		if len(n.Args) == 1 {
			return constant(n.Args[0])
		}
	case *parse.PipeNode:
		if len(n.Cmds) == 1 {
			return constant(n.Cmds[0])
		}
	}
	return "", false
}
