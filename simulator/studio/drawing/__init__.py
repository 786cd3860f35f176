"""What settings are painted with: skies, land, light, plants, stone. Each function paints one thing on a canvas."""
