//go:build tools

package main

import _ "github.com/f1bonacc1/process-compose/src/app"
