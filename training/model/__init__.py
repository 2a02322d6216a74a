"""Everything that serving needs as well: networks, preprocessing and what is stored beside them."""
