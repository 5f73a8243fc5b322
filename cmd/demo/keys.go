package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/webapp2go/webapp2go/sessions"
)

// sessionKeys returns the keys of Secret Manager, of the file or of the environment,
// newest first; none if nothing is set.
func (c *config) sessionKeys(ctx context.Context) ([]sessions.Key, error) {
	source, list := "SESSION_KEYS", c.keys
	switch {
	case c.keySecret != "":
		held, err := c.vault.secret(ctx, c.keySecret, c.project)
		if err != nil {
			return nil, fmt.Errorf("SESSION_KEYS_SECRET: %w", err)
		}
		source, list = "SESSION_KEYS_SECRET: "+c.keySecret, string(held)
	case c.keyFile != "":
		held, err := os.ReadFile(c.keyFile)
		if err != nil {
			return nil, fmt.Errorf("SESSION_KEYS_FILE: %w", err)
		}
		source, list = "SESSION_KEYS_FILE: "+c.keyFile, string(held)
	case c.keys == "":
		return nil, nil
	}
	keys, err := parseKeys(list)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
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
