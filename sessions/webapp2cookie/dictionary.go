package webapp2cookie

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep lists and dictionaries may lie in each other.
const maxDepth = 16

// parseDictionary reads a JSON object, with values of the types a session holds.
func parseDictionary(text []byte) (map[string]any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("webapp2cookie: the data is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, errors.New("webapp2cookie: the data is not JSON")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("webapp2cookie: something follows the JSON data")
	}
	dictionary, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("webapp2cookie: the data is no dictionary")
	}
	if err := convertIn(dictionary, 1); err != nil {
		return nil, err
	}
	return dictionary, nil
}

// convertIn converts the numbers inside a container, in place.
func convertIn(container any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("webapp2cookie: values nested deeper than %d", maxDepth)
	}
	convert := func(v any) (any, error) {
		if n, ok := v.(json.Number); ok {
			return number(string(n))
		}
		return v, convertIn(v, depth+1)
	}
	var err error
	switch c := container.(type) {
	case map[string]any:
		for key, v := range c {
			if c[key], err = convert(v); err != nil {
				return err
			}
		}
	case []any:
		for i, v := range c {
			if c[i], err = convert(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// number gives a JSON number the type of Python's: 1 is an int, 1.0 a float. An int
// that no type of Go holds becomes a float64.
func number(text string) (any, error) {
	if !strings.ContainsAny(text, ".eE") {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i, nil
		}
		if u, err := strconv.ParseUint(text, 10, 64); err == nil {
			return u, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, errors.New("webapp2cookie: a number out of range")
	}
	return f, nil
}
