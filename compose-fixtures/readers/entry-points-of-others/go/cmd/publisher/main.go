package main

import "example.com/fleet/internal/link"

func main() { link.Dial() }
