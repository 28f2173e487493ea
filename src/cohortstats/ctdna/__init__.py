"""Circulating tumor DNA analysis: exports of droplet digital PCR become counts of droplets."""
