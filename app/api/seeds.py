"""The beers that ``POST /beers/seed`` adds."""

from decimal import Decimal

from app.models import NewBeer

SEEDS = tuple(
    NewBeer(name=name, style=style, brewery=brewery, abv=Decimal(abv))
    for name, style, brewery, abv in (
        ("Pilsner Urquell", "Pilsner", "Plzeňský Prazdroj", "4.4"),
        ("Budweiser Budvar", "Pilsner", "Budějovický Budvar", "5.0"),
        ("Augustiner Lagerbier Hell", "Helles", "Augustiner-Bräu", "5.2"),
        ("Weihenstephaner Hefeweissbier", "Hefeweizen", "Weihenstephan", "5.4"),
        ("Ayinger Celebrator", "Doppelbock", "Ayinger", "6.7"),
        ("Aecht Schlenkerla Rauchbier Märzen", "Rauchbier", "Schlenkerla", "5.1"),
        ("Früh Kölsch", "Kölsch", "Cölner Hofbräu Früh", "4.8"),
        ("Uerige Alt", "Altbier", "Uerige", "4.7"),
        ("Orval", "Trappist", "Brasserie d'Orval", "6.2"),
        ("Westmalle Tripel", "Tripel", "Westmalle", "9.5"),
        ("Rochefort 10", "Quadrupel", "Rochefort", "11.3"),
        ("Saison Dupont", "Saison", "Brasserie Dupont", "6.5"),
        ("Duvel", "Belgian strong ale", "Duvel Moortgat", "8.5"),
        ("Cantillon Gueuze 100% Lambic", "Gueuze", "Cantillon", "5.5"),
        ("Rodenbach Grand Cru", "Flanders red ale", "Rodenbach", "6.0"),
        ("Fuller's London Pride", "Bitter", "Fuller's", "4.7"),
        ("Samuel Smith's Oatmeal Stout", "Oatmeal stout", "Samuel Smith", "5.0"),
        ("Guinness Draught", "Dry stout", "Guinness", "4.2"),
        ("Sierra Nevada Pale Ale", "American pale ale", "Sierra Nevada", "5.6"),
        ("Anchor Steam Beer", "Steam beer", "Anchor", "4.9"),
        ("Punk IPA", "IPA", "BrewDog", "5.4"),
        ("Heineken 0.0", "Alcohol-free lager", "Heineken", "0.03"),
    )
)
