package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// What a secret looks like, by the specification.
const (
	secretPrefix = "whsec_"
	minSecret    = 24 // bytes
	maxSecret    = 64
	maxSecrets   = 8 // at once
)

// parseSecrets reads the secrets of an endpoint, the newest first, with spaces
// or line ends between: more than one stand there while one is replaced. Each
// is whsec_ and base64 of 24 to 64 bytes.
func parseSecrets(text string) (keys [][]byte, err error) {
	words := strings.Fields(text)
	if len(words) > maxSecrets {
		return nil, fmt.Errorf("%d secrets, it can be %d", len(words), maxSecrets)
	}
	for i, w := range words {
		code, ok := strings.CutPrefix(w, secretPrefix)
		if !ok {
			return nil, fmt.Errorf("secret %d does not begin with %s: make one with: echo %s$(openssl rand -base64 32)", i+1, secretPrefix, secretPrefix)
		}
		key, err := base64.StdEncoding.DecodeString(code)
		if err != nil {
			return nil, fmt.Errorf("secret %d is not base64 behind %s", i+1, secretPrefix)
		}
		if len(key) < minSecret || len(key) > maxSecret {
			return nil, fmt.Errorf("secret %d has %d bytes, it must be %d to %d", i+1, len(key), minSecret, maxSecret)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no secret in it")
	}
	return keys, nil
}

// sign makes the signatures of a body, one by each key, for the header
// webhook-signature: v1, HMAC-SHA256 over "id.seconds.body", in base64.
func sign(keys [][]byte, id string, seconds int64, body []byte) string {
	var list []string
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + strconv.FormatInt(seconds, 10) + "."))
		mac.Write(body)
		list = append(list, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(list, " ")
}
