module github.com/webapp2go/webapp2go/port

go 1.26.0

require (
	github.com/tree-sitter/go-tree-sitter v0.25.0
	github.com/tree-sitter/tree-sitter-python v0.23.6
	go.yaml.in/yaml/v3 v3.0.6
)

require github.com/mattn/go-pointer v0.0.1 // indirect
