// Package pytree parses Python 2 and 3 into a tree of Go values.
//
// The parser is tree-sitter with its Python grammar, which reads both versions of the
// language and continues after an error. Parse copies the parser's tree from C memory and
// frees it, so the caller does not have to free a [Node].
package pytree

import (
	"errors"
	"fmt"
	"strings"

	sitter "github.com/tree-sitter/go-tree-sitter"
	python "github.com/tree-sitter/tree-sitter-python/bindings/go"
)

// MaxFileBytes is the longest source that [Parse] reads.
const MaxFileBytes = 8 << 20

// A Node is a part of a Python source. Its kinds and fields are those of tree-sitter's
// Python grammar. Comments are not in the tree.
type Node struct {
	Kind     string // "class_definition", "call", "("
	Field    string // its name in the parent: "name", "body"; empty if it has none
	Text     string // its source
	Line     int    // of its first byte, from 1
	Column   int    // of its first byte, from 1, in bytes
	Start    int    // offset of its first byte in the source
	Named    bool   // it is not a keyword or punctuation
	Children []*Node
}

// A SyntaxError is a place that could not be parsed.
type SyntaxError struct {
	Line, Column int
	Text         string // the source there, shortened
}

// Parse parses one source. The tree has everything that could be parsed; the syntax
// errors are the places that it leaves out. Parse returns an error if src is longer than
// [MaxFileBytes].
func Parse(src []byte) (*Node, []SyntaxError, error) {
	if len(src) > MaxFileBytes {
		return nil, nil, fmt.Errorf("the file has %d bytes, more than %d", len(src), MaxFileBytes)
	}
	parser := sitter.NewParser()
	defer parser.Close()
	if err := parser.SetLanguage(sitter.NewLanguage(python.Language())); err != nil {
		return nil, nil, err
	}
	tree := parser.Parse(src, nil)
	if tree == nil {
		return nil, nil, errors.New("the parser gave up")
	}
	defer tree.Close()
	cursor := tree.Walk()
	defer cursor.Close()
	c := copier{src: string(src), cursor: cursor, kinds: map[uint16]string{}, fields: map[uint16]string{0: ""}}
	return c.copy(0), c.errors, nil
}

type copier struct {
	src           string
	cursor        *sitter.TreeCursor
	errors        []SyntaxError
	kinds, fields map[uint16]string // the names, each copied from C once
}

// deepest limits the recursion. Real sources stay below a hundred.
const deepest = 2000

func (c *copier) copy(depth int) *Node {
	n := c.cursor.Node()
	from, to := n.ByteRange()
	at := n.StartPosition()
	kind, ok := c.kinds[n.KindId()]
	if !ok {
		kind = n.Kind()
		c.kinds[n.KindId()] = kind
	}
	field, ok := c.fields[c.cursor.FieldId()]
	if !ok {
		field = c.cursor.FieldName()
		c.fields[c.cursor.FieldId()] = field
	}
	node := &Node{
		Kind: kind, Field: field, Text: c.src[from:to], Named: n.IsNamed(),
		Line: int(at.Row) + 1, Column: int(at.Column) + 1, Start: int(from),
	}
	if n.IsError() || n.IsMissing() {
		text, _, _ := strings.Cut(node.Text, "\n")
		if len(text) > 60 {
			text = strings.ToValidUTF8(text[:60], "") + "..."
		}
		c.errors = append(c.errors, SyntaxError{node.Line, node.Column, text})
	}
	if depth > deepest {
		c.errors = append(c.errors, SyntaxError{node.Line, node.Column, "nested too deep"})
		node.Kind = "ERROR" // because it lacks the children of its kind
		return node
	}
	if c.cursor.GotoFirstChild() {
		for {
			if child := c.copy(depth + 1); child.Kind != "comment" && child.Kind != "line_continuation" {
				node.Children = append(node.Children, child)
			}
			if !c.cursor.GotoNextSibling() {
				break
			}
		}
		c.cursor.GotoParent()
	}
	return node
}

// Child returns the first child with the field name, or nil if there is none. n may be
// nil.
func (n *Node) Child(field string) *Node {
	if n == nil {
		return nil
	}
	for _, child := range n.Children {
		if child.Field == field {
			return child
		}
	}
	return nil
}

// NamedChildren returns the children that are not keywords or punctuation. n may be nil.
func (n *Node) NamedChildren() []*Node {
	if n == nil {
		return nil
	}
	var named []*Node
	for _, child := range n.Children {
		if child.Named {
			named = append(named, child)
		}
	}
	return named
}

// Walk calls f for the node and all nodes below it, in the order of the source. If f
// returns false, Walk skips the nodes below.
func (n *Node) Walk(f func(*Node) bool) {
	if n == nil || !f(n) {
		return
	}
	for _, child := range n.Children {
		child.Walk(f)
	}
}
