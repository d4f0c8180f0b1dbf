"""Official files about places and organisations: read line by line, checked, handed to the domain. docs/places.md."""
