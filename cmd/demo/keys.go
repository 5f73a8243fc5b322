package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/webapp2go/webapp2go/sessions"
)

// sessionKeys returns the keys of the environment or of the file, newest first; none
// if neither is set.
func (c *config) sessionKeys() ([]sessions.Key, error) {
	if c.keyFile != "" {
		held, err := os.ReadFile(c.keyFile)
		if err != nil {
			return nil, fmt.Errorf("SESSION_KEYS_FILE: %w", err)
		}
		keys, err := parseKeys(string(held))
		if err != nil {
			return nil, fmt.Errorf("SESSION_KEYS_FILE: %s: %w", c.keyFile, err)
		}
		return keys, nil
	}
	if c.keys == "" {
		return nil, nil
	}
	keys, err := parseKeys(c.keys)
	if err != nil {
		return nil, fmt.Errorf("SESSION_KEYS: %w", err)
	}
	return keys, nil
}

// parseKeys reads keys with commas or ends of line between them. An error tells which
// one is wrong, never what it is.
func parseKeys(list string) ([]sessions.Key, error) {
	var keys []sessions.Key
	for entry := range strings.FieldsFuncSeq(list, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }) {
		hash, block, encrypts := strings.Cut(entry, ":")
		var key sessions.Key
		var err error
		if key.Hash, err = decodeBase64(hash); err != nil {
			return nil, fmt.Errorf("key %d is not base64", len(keys)+1)
		}
		if encrypts {
			if key.Block, err = decodeBase64(block); err != nil {
				return nil, fmt.Errorf("key %d is not base64 after the colon", len(keys)+1)
			}
		}
		keys = append(keys, key)
	}
	if keys == nil {
		return nil, errors.New("it holds no key")
	}
	return keys, nil
}

// decodeBase64 takes both alphabets, with and without padding.
func decodeBase64(s string) ([]byte, error) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	return base64.RawStdEncoding.DecodeString(s)
}
