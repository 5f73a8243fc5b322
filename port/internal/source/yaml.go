package source

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// An AppYAML is what app.yaml says of the program.
type AppYAML struct {
	File     string
	Handlers []YAMLHandler
	Services []string // inbound_services
}

// A YAMLHandler is one entry of handlers in app.yaml.
type YAMLHandler struct {
	URL       string `yaml:"url"`
	Script    string `yaml:"script"`
	Login     string `yaml:"login"`
	Secure    string `yaml:"secure"`
	StaticDir string `yaml:"static_dir"`
	Static    string `yaml:"static_files"`
	Line      int    `yaml:"-"`
}

func parseAppYAML(file string, data []byte) (*AppYAML, error) {
	var raw struct {
		Handlers []yaml.Node `yaml:"handlers"`
		Inbound  []string    `yaml:"inbound_services"`
	}
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("app.yaml was not read: %w", err)
	}
	a := &AppYAML{File: file, Services: raw.Inbound}
	for _, node := range raw.Handlers {
		h := YAMLHandler{Line: node.Line}
		if err := node.Decode(&h); err != nil {
			return nil, fmt.Errorf("app.yaml was not read: %w", err)
		}
		a.Handlers = append(a.Handlers, h)
	}
	return a, nil
}
