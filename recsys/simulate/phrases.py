"""Word lists of the simulated newsroom: data without logic.

Every subject is singular and every verb in the third person, so that any subject, verb and object of one
subcategory make a headline. People, places and organisations are invented.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subcategory:
    """Phrases that fit together: subjects, verbs and objects."""

    name: str
    subjects: tuple[str, ...]
    verbs: tuple[str, ...]
    objects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Category:
    """Section of the newspaper.

    Attributes:
        share: relative number of articles.
        half_life: hours after which an article has lost half of its appeal.
        words: median length in words.
    """

    name: str
    share: float
    half_life: float
    words: int
    organisations: tuple[str, ...]
    subcategories: tuple[Subcategory, ...]


def _sub(name: str, subjects: str, verbs: str, objects: str) -> Subcategory:
    return Subcategory(name, *(tuple(text.split(", ")) for text in (subjects, verbs, objects)))


def _orgs(text: str) -> tuple[str, ...]:
    return tuple(text.split(", "))


CATEGORIES: tuple[Category, ...] = (
    Category("politics", 1.5, 10, 520, _orgs("Reform Party, Civic Union, Green Alliance, Upper House"), (
        _sub(
            "parliament",
            "parliament, the finance minister, the opposition leader, a cross-party committee, the speaker",
            "rejects, debates, defends, postpones, amends, votes on, presents",
            "the budget bill, a pension reform, the asylum law, a tax cut for families, "
            "the lobbying register, a confidence motion, the defence spending plan",
        ),
        _sub(
            "elections",
            "the ruling party, a first-time candidate, the electoral commission, the pollster, "
            "the campaign chief",
            "launches, questions, recounts, predicts, loses ground over, challenges",
            "the early election, postal votes in three districts, a coalition deal, the televised debate, "
            "the swing vote in the suburbs, campaign donations, turnout among young voters",
        ),
        _sub(
            "local government",
            "the city council, the mayor, a residents' group, the planning office, the district board",
            "approves, blocks, funds, opposes, delays, unveils",
            "a new tram line, the rent cap, parking fees downtown, a cycle path along the canal, "
            "the library budget, a shelter in the old town hall, the redesign of the market square",
        ),
        _sub(
            "diplomacy",
            "the foreign minister, the ambassador, a peace envoy, the trade delegation, the security council",
            "signs, renegotiates, condemns, welcomes, brokers, walks out of",
            "a border treaty, the sanctions package, the ceasefire talks, a visa agreement, "
            "the arms control deal, a state visit, the fishing rights accord",
        ),
    )),
    Category("business", 1.3, 12, 480,
        _orgs("Norden Bank, Halvor Industries, Brightline Retail, Quill Capital"), (
        _sub(
            "markets",
            "the stock exchange, the central bank, a hedge fund, the currency market, the bond trader",
            "rallies on, reacts to, bets against, shrugs off, braces for, misjudges",
            "higher interest rates, the inflation figures, falling oil prices, a surprise profit warning, "
            "the quarterly earnings season, a weak currency, record share prices",
        ),
        _sub(
            "companies",
            "the carmaker, a family-owned brewery, the supermarket chain, the shipping group, "
            "the airline's owner",
            "buys, sells, closes, restructures, expands, writes off",
            "a rival in a merger, its oldest factory, two thousand jobs, a logistics centre, the loss-making "
            "subsidiary, its online store, a stake in a supplier",
        ),
        _sub(
            "property",
            "the housing developer, a landlord association, the mortgage lender, the estate agent, "
            "a tenants' union",
            "raises, warns of, halts, finances, disputes, forecasts",
            "apartment rents, a fall in house prices, the office tower project, mortgage costs, "
            "empty shops in the centre, a block of social housing, the student flats shortage",
        ),
        _sub(
            "work",
            "the trade union, an employers' federation, a warehouse worker, the labour court, "
            "the personnel chief",
            "demands, wins, negotiates, rejects, tests, strikes over",
            "a four-day week, a pay rise of six percent, the right to work from home, overtime rules, "
            "a minimum wage increase, equal pay, longer parental leave",
        ),
    )),
    Category("technology", 1.1, 18, 560, _orgs("Lumen Labs, Octave Systems, Parcel AI, Kestrel Mobile"), (
        _sub(
            "artificial intelligence",
            "an AI start-up, the chatbot maker, a machine learning lab, the image generator, the regulator",
            "trains, releases, restricts, licenses, audits, open-sources",
            "a language model, facial recognition software, an algorithm for hiring, synthetic voices, "
            "a neural network that writes code, the training data of newspapers, deepfake detection",
        ),
        _sub(
            "gadgets",
            "the phone maker, a wearable brand, the console producer, a headphone designer, "
            "the laptop pioneer",
            "unveils, recalls, upgrades, delays, discontinues, repairs",
            "a folding phone, its smartwatch battery, the virtual reality headset, a cheaper tablet, "
            "noise-cancelling earbuds, the camera of its flagship, a repairable laptop",
        ),
        _sub(
            "cybersecurity",
            "a hacker group, the password manager, a security researcher, the hospital network, "
            "the data authority",
            "discovers, leaks, patches, exploits, warns of, shuts down",
            "a ransomware attack, millions of stolen passwords, a flaw in a popular router, "
            "phishing messages, a spyware campaign, the breach of customer data, a botnet of cameras",
        ),
        _sub(
            "internet",
            "the social network, a video platform, the search engine, a messaging app, the streaming service",
            "bans, removes, introduces, limits, charges for, redesigns",
            "political adverts, accounts of under-sixteens, a paid subscription tier, endless scrolling, "
            "fake reviews, encrypted group chats, a feed without algorithms",
        ),
    )),
    Category("science", 0.8, 36, 640,
        _orgs("Polar Institute, Meridian Observatory, Royal Academy, Delta Laboratory"), (
        _sub(
            "space",
            "the space agency, a Mars rover, an astronomer, the lunar lander, a private rocket company",
            "photographs, reaches, launches, discovers, loses contact with, maps",
            "a distant exoplanet, the far side of the moon, a comet's tail, "
            "a black hole at the centre of a galaxy, "
            "a weather satellite, ice on an asteroid, the oldest starlight",
        ),
        _sub(
            "nature research",
            "a marine biologist, the field station, a botanist, the bird ringing project, an ecologist",
            "documents, tracks, rediscovers, counts, decodes, films",
            "a deep-sea octopus, the migration of cranes, a beetle thought extinct, whale songs, "
            "the memory of crows, fungi beneath the forest, wolves near the villages",
        ),
        _sub(
            "physics",
            "a particle collider, the physics laureate, a quantum laboratory, the fusion reactor, "
            "a materials scientist",
            "measures, confirms, questions, cools, simulates, breaks a record with",
            "a rare particle decay, entangled photons, a superconductor at room temperature, dark matter, "
            "the mass of the neutrino, a plasma of a hundred million degrees, a clock of a single atom",
        ),
        _sub(
            "archaeology",
            "an archaeologist, the museum, a dig team, the history professor, a hobby detectorist",
            "unearths, dates, restores, reburies, deciphers, exhibits",
            "a Viking burial ship, a Roman mosaic, Bronze Age swords, a medieval love letter, "
            "cave paintings, a sunken harbour, a clay tablet with recipes",
        ),
    )),
    Category("health", 1.0, 30, 540,
        _orgs("St Brigid Hospital, Public Health Agency, Novara Pharma, Heart Society"), (
        _sub(
            "medicine",
            "a clinical trial, the cancer clinic, a heart surgeon, the drug maker, a team of doctors",
            "tests, approves, recommends, withdraws, improves, doubts",
            "a vaccine against malaria, a blood test for cancer, a weight-loss injection, "
            "antibiotics for children, "
            "gene therapy for blindness, a pill against migraine, keyhole heart surgery",
        ),
        _sub(
            "fitness and sleep",
            "a sleep researcher, the running coach, a physiotherapist, the yoga teacher, a long-term study",
            "explains, recommends, disproves, measures, praises, warns against",
            "ten thousand steps a day, an afternoon nap, strength training after fifty, "
            "stretching before a run, screens at bedtime, cold showers, back pain at the desk",
        ),
        _sub(
            "mental health",
            "a psychologist, the crisis helpline, a school counsellor, the psychiatric ward, "
            "a self-help group",
            "treats, studies, talks about, destigmatises, underestimates, tackles",
            "burnout among nurses, loneliness in old age, anxiety in teenagers, grief, "
            "phone addiction, depression after childbirth, attention disorders in adults",
        ),
        _sub(
            "health care",
            "the health minister, a rural hospital, the nurses' association, a family doctor, "
            "the insurance fund",
            "cuts, reorganises, demands, shortens, pays for, closes",
            "waiting lists for surgery, the maternity ward, night shifts, dental care for adults, "
            "ambulance response times, electronic patient records, home visits",
        ),
    )),
    Category("sport", 1.6, 7, 380, _orgs("Harbour United, Rovers, Northern Stars, Olympic Committee"), (
        _sub(
            "football",
            "the striker, the goalkeeper, the league leader, a teenage winger, the head coach",
            "scores in, misses, celebrates, is injured in, saves, rages about",
            "the derby, a late penalty, the cup semi-final, a goalless draw, the relegation battle, "
            "a record transfer, the video referee decision",
        ),
        _sub(
            "cycling",
            "the sprinter, a breakaway rider, the yellow jersey, a climbing specialist, the team director",
            "wins, attacks on, crashes in, abandons, dominates, prepares for",
            "the mountain stage, the time trial, a cobbled classic, the final descent, "
            "the tour's opening stage, a bunch sprint in the rain, the world championship road race",
        ),
        _sub(
            "tennis",
            "the top seed, a qualifier, the defending champion, the wheelchair champion, a veteran",
            "beats, saves match points in, retires from, reaches, throws a racket in, loses",
            "the grand slam final, a five-set thriller, the clay court tournament, the mixed doubles, "
            "a rain-delayed quarter-final, the opening round, the tie-break of the season",
        ),
        _sub(
            "handball",
            "the national team, the playmaker, the club captain, the goalkeeping coach, the league newcomer",
            "wins, turns around, throws away, qualifies for, dominates, misses",
            "the European handball championship, a seven-metre shootout, the play-off, "
            "the champions league group, "
            "the Christmas tournament, a second-half comeback, the bronze match",
        ),
    )),
    Category("culture", 1.0, 40, 500,
        _orgs("City Opera, Lantern Pictures, Paper Moon Press, Museum of Modern Art"), (
        _sub(
            "film and television",
            "the director, a crime series, the lead actress, the film festival, a documentary maker",
            "wins an award for, rewrites, premieres, defends, cancels, films",
            "the final season, a remake of a classic, the costume drama, a low-budget horror film, "
            "a silent movie, the courtroom thriller, an animated film for adults",
        ),
        _sub(
            "music",
            "the singer, a string quartet, the rock band, a young rapper, the conductor",
            "releases, cancels, sells out, records, reunites for, plays",
            "a farewell tour, an album of lullabies, the summer festival, a forgotten symphony, "
            "the stadium concert, a protest song, the jazz night",
        ),
        _sub(
            "books",
            "the novelist, a debut author, the literary jury, a translator, the crime writer",
            "publishes, wins a prize for, adapts, signs, reviews, withdraws",
            "a family saga, a memoir of exile, the poetry collection, a detective novel, "
            "a graphic novel about war, the biography of a queen, a children's classic",
        ),
        _sub(
            "art and theatre",
            "the gallery, a sculptor, the playhouse, a street artist, the curator",
            "opens, returns, stages, paints, auctions, hides",
            "a retrospective of painters, a looted portrait, a Shakespeare comedy, the mural at the station, "
            "an installation of mirrors, a ballet without music, the sculpture garden",
        ),
    )),
    Category("travel", 0.7, 60, 620,
        _orgs("Skyway Airlines, Coastal Rail, Wayfarer Guides, Harbour Ferries"), (
        _sub(
            "destinations",
            "an island village, the travel writer, a mountain hut, the guide book, a backpacker",
            "rediscovers, recommends, praises, avoids, explores, limits visits to",
            "a quiet beach, the old pilgrim trail, a city of canals, vineyards by train, "
            "the northern lights, a desert oasis, hidden courtyards",
        ),
        _sub(
            "air and rail",
            "the airline, the night train, an airport, the rail operator, the pilots' union",
            "cancels, launches, delays, charges for, restores, doubles",
            "hand luggage, a sleeper service to the south, summer flights, the airport express, "
            "refunds for late passengers, seats for families, the high-speed line",
        ),
        _sub(
            "hotels and holidays",
            "a hotel owner, the camping site, a holiday rental platform, the tour operator, the ski resort",
            "raises, bans, fills, offers, rethinks, discounts",
            "prices for half-term, adults-only pools, a cabin without electricity, all-inclusive weeks, "
            "last-minute cruises, short-term lets, the off-season break",
        ),
    )),
    Category("food", 0.8, 60, 430, _orgs("Salt Kitchen, Farmers' Guild, Golden Spoon Guide, Mill Bakery"), (
        _sub(
            "recipes",
            "the home cook, a pastry chef, a grandmother, the vegetarian cook, the baker",
            "bakes, simplifies, shares, perfects, slow-cooks, reinvents",
            "a lemon cake, the weeknight lentil stew, sourdough bread, roast chicken with herbs, "
            "mushroom dumplings, a tomato tart, pickled cabbage",
        ),
        _sub(
            "restaurants",
            "the star chef, a neighbourhood bistro, the restaurant critic, a noodle bar, the sommelier",
            "opens, closes, reviews, wins a star for, moves, serves",
            "a tasting menu, the harbour seafood grill, a dining room of twelve seats, a natural wine list, "
            "the best pizza in town, a vegan steakhouse, breakfast all day",
        ),
        _sub(
            "food industry",
            "the dairy, a coffee roaster, the fishing fleet, an organic farmer, the chocolate maker",
            "recalls, relabels, warns about, doubles, imports, replaces",
            "the price of butter, contaminated salad, sugar in soft drinks, plant-based milk, "
            "the cocoa harvest, farmed salmon, olive oil",
        ),
    )),
    Category("climate", 0.9, 24, 560, _orgs("Climate Council, North Wind Energy, River Trust, Met Office"), (
        _sub(
            "weather",
            "the weather service, a hurricane, a heatwave, the storm, a cold front",
            "floods, threatens, batters, breaks records in, cuts off, spares",
            "the coastal towns, the river valley, the harvest, mountain villages, "
            "the railway along the sea, the capital's suburbs, the southern islands",
        ),
        _sub(
            "energy",
            "the wind farm, a solar start-up, the grid operator, the coal plant, an energy co-operative",
            "powers, connects, postpones, replaces, subsidises, stores electricity for",
            "a hundred thousand homes, the offshore cable, a hydrogen pipeline, heat pumps, "
            "the last gas boiler, a battery the size of a warehouse, district heating",
        ),
        _sub(
            "environment",
            "a conservation group, the river authority, the climate scientist, an activist, the forest owner",
            "protects, sues over, restores, plants, measures, blocks",
            "the peat bog, carbon emissions of shipping, plastic in the estuary, a hundred hectares of oak, "
            "the melting glacier, a motorway through the marsh, coral reefs",
        ),
    )),
    Category("education", 0.6, 36, 500,
        _orgs("Northgate University, Teachers' League, Institute for Learning"), (
        _sub(
            "schools",
            "the head teacher, a primary school, the education minister, a parents' council, "
            "the maths teacher",
            "bans, introduces, abolishes, tests, defends, scraps",
            "mobile phones in class, homework, the school uniform, later lessons for teenagers, "
            "free school meals, spelling tests, swimming lessons",
        ),
        _sub(
            "universities",
            "the university, a student union, the dean, the exam board, a doctoral student",
            "raises, investigates, occupies, cuts, wins, opens",
            "tuition fees, essays written by chatbots, the lecture hall, humanities degrees, "
            "a scholarship fund, places in medical school, grade inflation",
        ),
        _sub(
            "childhood",
            "a nursery, the child psychologist, a playground designer, a family court, the youth club",
            "rethinks, explains, limits, extends, builds, recommends",
            "screen time for toddlers, bedtime stories, day care hours, outdoor play, "
            "bilingual upbringing, sibling rivalry, the first day of school",
        ),
    )),
    Category("crime", 1.3, 9, 400, _orgs("City Police, High Court, Customs Service, Fraud Squad"), (
        _sub(
            "police",
            "the police, a detective, the bomb squad, a night patrol, the missing-persons unit",
            "arrests a man over, searches for, solves, seizes, investigates, reopens",
            "a burglary series, stolen electric bikes, a cold case murder, the hit-and-run on the ring road, "
            "a cannabis farm in a cellar, the jewellery heist, an arson attack",
        ),
        _sub(
            "courts",
            "the judge, a jury, the prosecutor, the defence lawyer, the appeals court",
            "hears, reopens, adjourns, throws out, comments on, delivers a verdict on",
            "the manslaughter trial, a corruption case, the custody dispute, a gang leader's appeal, "
            "the insider trading case, a libel claim, the poisoning case",
        ),
        _sub(
            "fraud",
            "a con man, the anti-fraud squad, a bank customer, the online shop, the tax inspector",
            "exposes, falls for, runs, reports, traces, confesses to",
            "a romance scam, fake lottery letters, a pyramid scheme, forged paintings, "
            "invoices for work never done, a crypto swindle, counterfeit medicine",
        ),
    )),
)  # fmt: skip

PLACES = _orgs(
    "the harbour district, Eastvale, Millbrook, the old town, Kingsport, Northgate, Aldermoor, "
    "the river quarter, "
    "Stonebridge, Westhaven, Lakeside, Fairholm, Marlow Heath, the university quarter, Redcliff, Oakenfield"
)

FIRST_NAMES = _orgs(
    "Anna, Malik, Sofia, Jonas, Priya, Elias, Greta, Omar, Clara, Theo, Mei, Viktor, Leila, Hugo, Ines, Samuel"
)

LAST_NAMES = _orgs(
    "Holm, Okafor, Lindqvist, Moreau, Banerjee, Keller, Novak, Haddad, Fischer, Sato, Brandt, Costa, "
    "Winter, Dahl, Petrov, Quist, Romero, Vance"
)

TITLES = (
    "{Subject} {verb} {object}",
    "{Subject} {verb} {object} in {place}",
    "{Place}: {subject} {verb} {object}",
    "{Subject} {verb} {object} once again",
    "{Subject} {verb} {object}, says {person}",
    "Why {subject} {verb} {object}",
    "{Subject} {verb} {object} for the first time in years",
    "Analysis: {subject} {verb} {object}",
)

CLICKBAIT_TITLES = (
    "You will not believe why {subject} {verb} {object}",
    "{Subject} {verb} {object} – and the internet cannot cope",
    "What happened when {subject} {verb} {object} will shock you",
    "The one thing nobody tells you about {object}",
    "{Person} saw {object} – the reaction says it all",
)

STORY_TITLES = (
    "Breaking: {subject} {verb} {object} in {place}",
    "Live: {subject} {verb} {object} in {place}",
    "{Place}: what we know about {object}",
    "{Person} on {object}: 'We did not see this coming'",
    "{Object} in {place}: the questions that remain",
)

ABSTRACTS = (
    "In {place}, {subject} {verb} {object}. {Person} of {organisation} speaks of a turning point.",
    "{Organisation} has confirmed that {subject} {verb} {object}. What it means for {place}.",
    "{Subject} {verb} {object}, while the talk of {place} is still {other}. {Person} explains.",
    "It began with {other}. Now {subject} {verb} {object}, and {place} is watching.",
    "{Person} and {organisation} disagree over {object} and {other}.",
)

SOURCES = _orgs("The Daily Attuner, Harbour Post, Evening Courier, Newswire, City Weekly")
